#include "base/wrapped_text.h"

#include <gtest/gtest.h>

namespace limbeck {
namespace {

TEST(WrappedText, BreaksBetweenWordsAndIndentsTheRest) {
  EXPECT_EQ(wrapped_text("one two three four", 9, 2), "one two\n  three\n  four");
  EXPECT_EQ(wrapped_text("one two", 7), "one two");
  EXPECT_EQ(wrapped_text("", 7), "");
}

TEST(WrappedText, KeepsAWordThatFitsNoLine) {
  EXPECT_EQ(wrapped_text("a abcdefghij b", 4), "a\nabcdefghij\nb");
}

}  // namespace
}  // namespace limbeck
