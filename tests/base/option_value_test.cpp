#include "base/option_value.h"

#include <gtest/gtest.h>

#include "base/example_options.h"

namespace limbeck {
namespace {

const Field& field_named(const Fields& fields, const std::string& name) {
  for (const Field& field : fields.list())
    if (field.name == name) return field;
  throw std::logic_error(name);
}

TEST(Assign, LeavesTheFieldAsItIsWhenTheValueDoesNotFit) {
  ExampleOptions options;
  const Fields fields = fields_of(options);
  EXPECT_TRUE(assign(field_named(fields, "samples"), {int64_t{0}}).has_value());
  EXPECT_TRUE(assign(field_named(fields, "weights"), {std::vector<OptionValue>{{1.0}, {-1.0}}}).has_value());
  EXPECT_EQ(options.samples, 8);
  EXPECT_EQ(options.weights, (std::vector<double>{1, 0.5}));
}

TEST(Assign, TakesAWholeNumberForANumberButNotTheReverse) {
  ExampleOptions options;
  const Fields fields = fields_of(options);
  EXPECT_FALSE(assign(field_named(fields, "temperature"), {int64_t{2}}).has_value());
  EXPECT_EQ(options.temperature, 2);
  EXPECT_TRUE(assign(field_named(fields, "samples"), {2.0}).has_value());
  EXPECT_TRUE(assign(field_named(fields, "verbose"), {int64_t{1}}).has_value());
}

TEST(TomlOf, WritesTheShortestNumberThatReadsBack) {
  EXPECT_EQ(toml_of(OptionValue{0.1}), "0.1");
  EXPECT_EQ(toml_of(OptionValue{1.0}), "1.0");
  EXPECT_EQ(toml_of(OptionValue{-0.0}), "-0.0");
  EXPECT_EQ(toml_of(OptionValue{1e-5}), "1e-05");
  EXPECT_EQ(toml_of(OptionValue{1e30}), "1e+30");
  EXPECT_EQ(toml_of(OptionValue{std::numeric_limits<double>::infinity()}), "inf");
  EXPECT_EQ(toml_of(OptionValue{0.1 + 0.2}), "0.30000000000000004");
}

TEST(IsValidUtf8, KnowsTheEdgesOfTheEncoding) {
  for (const char* good : {"", "abc", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_valid_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
                          "a\xc2"
                          "b"})
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
}

}  // namespace
}  // namespace limbeck
