#include "text/graphemes.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace limbeck::text {
namespace {

std::string graphemes(std::string_view text) {
  std::string out;
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    const char* after = end_of_grapheme(at, end);
    out.append(at, after).append("|");
    at = after;
  }
  return out;
}

TEST(Graphemes, AMarkJoinsWhatIsBeforeIt) {
  EXPECT_EQ(graphemes("ae\u0301b"), "a|e\u0301|b|");
  EXPECT_EQ(graphemes("\u0301a"), "\u0301|a|");
}

TEST(Graphemes, ControlsStandAloneAndALineBreakIsOne) {
  EXPECT_EQ(graphemes("\n\u0301"), "\n|\u0301|");
  EXPECT_EQ(graphemes("a\r\nb\n\r"), "a|\r\n|b|\n|\r|");
}

TEST(Graphemes, HangulLettersMakeSyllables) {
  EXPECT_EQ(graphemes("\u1100\u1161\u11A8\u1100"), "\u1100\u1161\u11A8|\u1100|");
  EXPECT_EQ(graphemes("가\u11A8각\u11A8"), "가\u11A8|각\u11A8|");
  EXPECT_EQ(graphemes("각\u1161"), "각|\u1161|");
}

TEST(Graphemes, APrependedSignJoinsWhatIsAfterIt) {
  EXPECT_EQ(graphemes("\u0600a"), "\u0600a|");
}

}  // namespace
}  // namespace limbeck::text
