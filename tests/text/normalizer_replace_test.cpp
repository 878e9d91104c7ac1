#include <gtest/gtest.h>

#include "normalizing.h"

namespace limbeck::text {
namespace {

TEST(Replace, ReplacesATextOrWhatAnExpressionMatches) {
  EXPECT_EQ(normalized_by(R"({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})", "a b  c"), "a▁b▁▁c");
  EXPECT_EQ(normalized_by(R"({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "_"})", "a b   c  "),
            "a b_c_");
  EXPECT_EQ(normalized_by(R"({"type": "Replace", "pattern": {"String": "aa"}, "content": "a"})", "aaaaa"), "aaa");
  EXPECT_EQ(normalized_by(R"({"type": "Replace", "pattern": {"String": "x"}, "content": ""})", "xx"), "");
}

TEST(Replace, NoticesWhenTheBeginningIsGone) {
  EXPECT_EQ(normalizing(R"({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})", " a").num_from_first, 1u);
  EXPECT_EQ(normalizing(R"({"type": "Replace", "pattern": {"String": "``"}, "content": "x"})", "``a").num_from_first,
            0u);
  EXPECT_EQ(normalizing(R"({"type": "Replace", "pattern": {"String": "``"}, "content": "x"})", "a``").num_from_first,
            1u);
}

}  // namespace
}  // namespace limbeck::text
