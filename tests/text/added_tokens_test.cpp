#include "text/added_tokens.h"

#include <gtest/gtest.h>

namespace limbeck::text {
namespace {

// "a|<7>|b": stretches with a bar between, tokens as <id>text when they took spaces along.
std::string split(const AddedTokenFinder& finder, std::string_view text, bool find_special = true) {
  std::vector<AddedTokenFinder::Stretch> stretches;
  finder.split(text, find_special, stretches);
  std::string shown;
  for (const auto& stretch : stretches) {
    if (!shown.empty()) shown += "|";
    shown +=
        stretch.id < 0 ? std::string(stretch.text) : "<" + std::to_string(stretch.id) + ">" + std::string(stretch.text);
  }
  return shown;
}

TEST(AddedTokenFinder, TakesTheLongestOfThoseThatBeginLeftmost) {
  const AddedTokenFinder finder(
      {{.id = 1, .content = "ab"}, {.id = 2, .content = "abcd"}, {.id = 3, .content = "bcde"}});
  EXPECT_EQ(split(finder, "xabcde"), "x|<2>abcd|e");
  EXPECT_EQ(split(finder, "abcxbcde"), "<1>ab|cx|<3>bcde");
}

TEST(AddedTokenFinder, FindsNothingInTextWithoutTokens) {
  const AddedTokenFinder finder({{.id = 1, .content = "<s>"}});
  EXPECT_EQ(split(finder, "a < b <s"), "a < b <s");
  EXPECT_EQ(split(finder, ""), "");
}

TEST(AddedTokenFinder, TakesSpacesAlongWhereTheTokenSaysSo) {
  const AddedTokenFinder finder(
      {{.id = 1, .content = "<l>", .lstrip = true}, {.id = 2, .content = "<r>", .rstrip = true}});
  EXPECT_EQ(split(finder, "a \u00A0<l> b"), "a|<1> \u00A0<l>| b");
  EXPECT_EQ(split(finder, "a <r>\t\n b"), "a |<2><r>\t\n |b");
  EXPECT_EQ(split(finder, "<r>  <l>"), "<2><r>  |<1><l>");  // the spaces are taken once
}

TEST(AddedTokenFinder, ASingleWordIsNoPartOfAnother) {
  const AddedTokenFinder finder({{.id = 1, .content = "word", .single_word = true}});
  EXPECT_EQ(split(finder, "word words sword -word-"), "<1>word| words sword -|<1>word|-");
  EXPECT_EQ(split(finder, "éword word字"), "éword word字");
}

TEST(AddedTokenFinder, LeavesSpecialTokensInTheTextWhenAskedTo) {
  const AddedTokenFinder finder({{.id = 1, .content = "<s>", .special = true}, {.id = 2, .content = "<t>"}});
  EXPECT_EQ(split(finder, "<s>a<t>", false), "<s>a|<2><t>");
}

}  // namespace
}  // namespace limbeck::text
