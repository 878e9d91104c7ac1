#include "text/regex.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck::text {
namespace {

// All matches, with what is between them in brackets.
std::string matches(const char* pattern, std::string_view text) {
  const Regex regex(pattern, "test");
  std::string out;
  const char *at = text.data(), *end = at + text.size();
  while (const auto match = regex.find(at, end)) {
    if (match->begin != at) out += "[" + std::string(at, match->begin) + "]";
    out += std::string(match->begin, match->end) + "|";
    at = match->end;
  }
  if (at != end) out += "[" + std::string(at, end) + "]";
  return out;
}

TEST(Regex, TakesTheFirstAlternativeThatMatchesAndNotTheLongest) {
  EXPECT_EQ(matches("a|ab", "ab"), "a|[b]");
  EXPECT_EQ(matches("(?:a|ab)c", "abc ac"), "abc|[ ]ac|");
}

TEST(Regex, RepeatsAreGreedyAndGiveBack) {
  EXPECT_EQ(matches("a*ab", "aaab"), "aaab|");
  EXPECT_EQ(matches("a{2,3}", "aaaaa"), "aaa|aa|");
  EXPECT_EQ(matches("(?:ab){2}", "ababab"), "abab|[ab]");
  EXPECT_EQ(matches("x?y", "xy y"), "xy|[ ]y|");
  EXPECT_EQ(matches("é+x", "ééx"), "ééx|");
}

TEST(Regex, PossessiveRepeatsAndAtomicGroupsGiveNothingBack) {
  EXPECT_EQ(matches("a++ab|a", "aab"), "a|a|[b]");
  EXPECT_EQ(matches("(?>a|ab)c|ab", "abc"), "ab|[c]");
}

TEST(Regex, LooksAheadWithoutTakingAnything) {
  EXPECT_EQ(matches(R"(\s+(?!\S)|\s+)", "a   b  "), "[a]  | |[b]  |");
  EXPECT_EQ(matches("a(?=b)", "ab ac"), "a|[b ac]");
}

TEST(Regex, ClassesKnowRangesCategoriesAndWhatTheyAreNot) {
  EXPECT_EQ(matches(R"([^\s\p{L}\p{N}]+)", "ab, 1!?"), "[ab],|[ 1]!?|");
  EXPECT_EQ(matches(R"([\p{Lu}\p{Lt}][\p{Ll}]+)", "Éa ǅb cd"), "Éa|[ ]ǅb|[ cd]");
  EXPECT_EQ(matches("[一-龥]+", "a猫猫b"), "[a]猫猫|[b]");
  EXPECT_EQ(matches(R"([\-\]x])", "-]x"), "-|]|x|");
  EXPECT_EQ(matches(R"(\x{1F600}|\u00e9)", "é😀"), "é|😀|");
}

TEST(Regex, IgnoresCaseWithinTheGroupThatSaysSo) {
  EXPECT_EQ(matches("(?i:'s|'ll)x", "'Sx 'LLx 'sX"), "'Sx|[ ]'LLx|[ 'sX]");
  EXPECT_EQ(matches("(?i:'s)", "'\u017F"), "'\u017F|");
}

TEST(Regex, StopsWhatWouldTakeForEver) {
  const Regex regex("(?:(?:a+)+)+b", "test");
  const std::string text(200, 'a');
  EXPECT_THROW(regex.find(text.data(), text.data() + text.size()), UserError);
}

TEST(Regex, ALongRunTakesLinearTime) {
  const std::string spaces(1 << 16, ' ');
  const Regex regex(R"(\s+(?!\S)|\s+)", "test");
  const auto match = regex.find(spaces.data(), spaces.data() + spaces.size());
  ASSERT_TRUE(match);
  EXPECT_EQ(match->end - match->begin, 1 << 16);
}

}  // namespace
}  // namespace limbeck::text
