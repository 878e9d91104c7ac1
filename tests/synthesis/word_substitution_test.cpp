#include "synthesis/word_substitution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/errors.h"

namespace limbeck::synthesis {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> words(const TextWords& text) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < text.words.size(); ++i) found.emplace_back(text.word(i));
  return found;
}

TEST(WordsOf, AreRunsOfLettersWithoutStopWords) {
  EXPECT_THAT(words(words_of("The film isn't funny, it's a dull 3rd-rate movie!")),
              ElementsAre("film", "funny", "dull", "rate", "movie"));
  EXPECT_THAT(words(words_of("Ein größerer Фильм 電影")), ElementsAre("Ein", "größerer", "Фильм", "電影"));
  EXPECT_TRUE(words_of("").words.empty());
  EXPECT_TRUE(words_of(" ... 42 ").words.empty());
}

TEST(StopWords, AreKnownInAnyCase) {
  EXPECT_TRUE(is_stop_word("THE") && is_stop_word("yourselves") && is_stop_word("a"));
  EXPECT_FALSE(is_stop_word("film") || is_stop_word(""));
}

TEST(Substituted, KeepsEverythingBetweenTheWords) {
  const TextWords text = words_of("A bad, BAD  film.");
  const auto variants = substituted(text, {{"good"}, {"fine"}, {"movie"}}, {.variants = 1, .share = 1}, Seed(1));
  EXPECT_THAT(variants, ElementsAre("A good, fine  movie."));
}

TEST(Substituted, LeavesWordsWithoutCandidates) {
  const TextWords text = words_of("bad film");
  EXPECT_TRUE(substituted(text, {{}, {}}, {.variants = 5, .share = 1}, Seed(1)).empty());
  EXPECT_THAT(substituted(text, {{}, {"movie"}}, {.variants = 5, .share = 1}, Seed(1)), ElementsAre("bad movie"));
  EXPECT_THROW(substituted(text, {{}}, {}, Seed(1)), Error);
}

TEST(Substituted, GivesNoVariantTwiceAndNeverTheTextItself) {
  const TextWords text = words_of("bad film");
  const auto variants = substituted(text, {{"good", "bad"}, {"movie"}}, {.variants = 200, .share = 0.5}, Seed(3));
  const std::set<std::string> distinct(variants.begin(), variants.end());
  EXPECT_EQ(distinct, (std::set<std::string>{"good film", "good movie", "bad movie"}));
  EXPECT_EQ(variants.size(), 3u);
}

TEST(Substituted, IsAFunctionOfTheSeed) {
  const TextWords text = words_of("bad film");
  const std::vector<std::vector<std::string>> some = {{"x", "y", "z"}, {"u", "v", "w"}};
  EXPECT_EQ(substituted(text, some, {}, Seed(3)), substituted(text, some, {}, Seed(3)));
  EXPECT_NE(substituted(text, some, {}, Seed(3)), substituted(text, some, {}, Seed(4)));
}

// 4,000 passes over 10 words, each one exchanged with probability 0.4: within five standard deviations.
TEST(Substituted, ExchangesTheAskedShareOfTheWords) {
  std::string long_text;
  std::vector<std::vector<std::string>> candidates;
  for (int i = 0; i < 10; ++i) {
    long_text += std::string(static_cast<std::size_t>(i + 4), 'k') + " ";
    candidates.emplace_back();
    for (char c = 'a'; c <= 'z'; ++c)
      for (char d = 'a'; d <= 'z'; ++d) candidates.back().push_back(std::string("Q") + c + d);
  }
  const TextWords text = words_of(long_text);
  double exchanged = 0, total = 0;
  for (uint64_t seed = 0; seed < 4000; ++seed)
    for (const auto& variant : substituted(text, candidates, {.variants = 1, .share = 0.4}, Seed(seed)))
      exchanged += static_cast<double>(std::count(variant.begin(), variant.end(), 'Q'));
  total = 4000 * 10;
  EXPECT_NEAR(exchanged / total, 0.4, 5 * std::sqrt(0.24 / total));
}

}  // namespace
}  // namespace limbeck::synthesis
