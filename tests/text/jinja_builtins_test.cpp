#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "text/jinja_values.h"

namespace limbeck::text::jinja {
namespace {

TEST(JinjaFilters, TrimTakesWhatPythonTakes) {
  EXPECT_EQ(apply_filter("trim", "\u00A0\x1F a \u3000\n", {}), "a");
  EXPECT_EQ(call_method("xxaxx", "strip", {{"x"}, {}}), "a");
  EXPECT_EQ(call_method("xxaxx", "lstrip", {{"x"}, {}}), "axx");
}

TEST(JinjaFilters, DefaultFillsWhatIsUndefined) {
  EXPECT_EQ(apply_filter("default", undefined(), {{"x"}, {}}), "x");
  EXPECT_EQ(apply_filter("default", "", {{"x"}, {}}), "");
  EXPECT_EQ(apply_filter("default", "", {{"x"}, {{"boolean", true}}}), "x");
}

TEST(JinjaFilters, SelectByAttribute) {
  const Json list = Json::parse(R"([{"r": "a"}, {"r": "b"}, {}])");
  EXPECT_EQ(apply_filter("selectattr", list, {{"r", "equalto", "a"}, {}}), Json::parse(R"([{"r": "a"}])"));
  EXPECT_EQ(apply_filter("rejectattr", list, {{"r"}, {}}), Json::parse("[{}]"));
}

TEST(JinjaMethods, SplitAsPythonDoes) {
  EXPECT_EQ(call_method("a,b,,c", "split", {{","}, {}}), Json::array({"a", "b", "", "c"}));
  EXPECT_EQ(call_method("a,b,c", "split", {{",", 1}, {}}), Json::array({"a", "b,c"}));
  EXPECT_EQ(call_method("a,b,c", "rsplit", {{",", 1}, {}}), Json::array({"a,b", "c"}));
  EXPECT_EQ(call_method("  a \n b ", "split", {}), Json::array({"a", "b"}));
  EXPECT_EQ(call_method("", "split", {{","}, {}}), Json::array({""}));
  EXPECT_EQ(call_method("ababa", "rsplit", {{"aba"}, {}}), Json::array({"ab", ""}));
  EXPECT_EQ(call_method("ababa", "split", {{"aba"}, {}}), Json::array({"", "ba"}));
  EXPECT_EQ(call_method("\u00e9\u20ac\u00e9", "rsplit", {{"\u20ac"}, {}}), Json::array({"\u00e9", "\u00e9"}));
}

TEST(JinjaFilters, FirstAndLastAreOfListsKeysAndCharacters) {
  EXPECT_EQ(apply_filter("first", Json::array({1, 2}), {}), 1);
  EXPECT_EQ(apply_filter("last", Json::array({1, 2}), {}), 2);
  EXPECT_EQ(apply_filter("first", Json{{"a", 1}, {"b", 2}}, {}), "a");
  EXPECT_EQ(apply_filter("last", Json{{"a", 1}, {"b", 2}}, {}), "b");
  EXPECT_EQ(apply_filter("last", "a\u00e9", {}), "\u00e9");
  for (const Json& empty : {Json::array(), Json::object(), Json(""), undefined()})
    EXPECT_TRUE(is_undefined(apply_filter("first", empty, {})));
  EXPECT_THROW(apply_filter("last", 3, {}), UserError);
}

TEST(JinjaBuiltins, RefuseByNameWhatTheyDoNotKnow) {
  EXPECT_THROW(apply_filter("xmlattr", "a", {}), UserError);
  EXPECT_THROW(apply_test("escaped", "a", {}), UserError);
  EXPECT_THROW(call_method("a", "zfill", {}), UserError);
  EXPECT_THROW(call_method(3, "strip", {}), UserError);
  EXPECT_THROW(apply_filter("upper", "é", {}), UserError);
  EXPECT_THROW(apply_filter("replace", "a", {{"", "b"}, {}}), UserError);
}

TEST(JinjaFilters, IntRefusesNumbersBeyond64Bits) {
  EXPECT_EQ(apply_filter("int", -2.9, {}), -2);
  for (const double number : {1e300, -1e19, std::nan("")}) EXPECT_THROW(apply_filter("int", number, {}), UserError);
}

}  // namespace
}  // namespace limbeck::text::jinja
