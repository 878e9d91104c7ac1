#include "text/jinja_values.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck::text::jinja {
namespace {

TEST(JinjaValues, TruthIsPythons) {
  for (const Json& value : {Json(), undefined(), Json(0), Json(""), Json::array(), Json::object(), Json(false)})
    EXPECT_FALSE(is_true(value)) << to_text(value);
  for (const Json& value : {Json(1), Json("0"), Json::array({0}), Json(true)}) EXPECT_TRUE(is_true(value));
}

TEST(JinjaValues, PrintAsPythonDoes) {
  EXPECT_EQ(to_text(nullptr), "None");
  EXPECT_EQ(to_text(true), "True");
  EXPECT_EQ(to_text(undefined()), "");
  EXPECT_EQ(to_text(Json::parse(R"([1, "a", {"k": null}])")), "[1, 'a', {'k': None}]");
}

TEST(JinjaValues, DivisionRoundsDown) {
  EXPECT_EQ(binary("//", -7, 2), -4);
  EXPECT_EQ(binary("%", -7, 2), 1);
  EXPECT_EQ(binary("%", INT64_MIN, 3), 1);
  EXPECT_EQ(binary("//", INT64_MIN, 3), INT64_MIN / 3 - 1);
  EXPECT_EQ(binary("//", INT64_MIN + 1, -1), INT64_MAX);
}

TEST(JinjaValues, RefuseWhatHasNoMeaning) {
  EXPECT_THROW(binary("+", "a", 1), UserError);
  EXPECT_THROW(binary("//", 1, 0), UserError);
  EXPECT_THROW(binary("%", 1.5, 0), UserError);
  EXPECT_THROW(binary("*", INT64_MAX, 2), UserError);
  EXPECT_THROW(binary("//", INT64_MIN, -1), UserError);
  EXPECT_THROW(binary("<", "a", 1), UserError);
  EXPECT_THROW(item_of(undefined(), "a"), UserError);
  EXPECT_THROW(items_of(3), UserError);
}

TEST(JinjaValues, IndicesAndSlicesCountCharacters) {
  EXPECT_EQ(item_of("aéz", 1), "é");
  EXPECT_EQ(item_of("aéz", -1), "z");
  EXPECT_TRUE(is_undefined(item_of("aéz", 3)));
  EXPECT_EQ(slice_of("aéz", undefined(), undefined(), -1), "zéa");
  EXPECT_EQ(slice_of(Json::array({1, 2, 3}), -2, undefined(), undefined()), Json::array({2, 3}));
  EXPECT_EQ(slice_of("a\u00e9z\u20ac", -1, 0, -2), "\u20ac\u00e9");
  EXPECT_EQ(slice_of("a\u00e9z\u20ac", 1, undefined(), 2), "\u00e9\u20ac");
  EXPECT_EQ(length_of("a\u00e9z\u20ac"), 4);
  EXPECT_EQ(item_of("a\u00e9z\u20ac", 2), "z");
  EXPECT_EQ(slice_of("abc", INT64_MIN, INT64_MAX, INT64_MAX), "a");
  EXPECT_EQ(slice_of("abc", 9, undefined(), undefined()), "");
}

}  // namespace
}  // namespace limbeck::text::jinja
