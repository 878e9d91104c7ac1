#include "text/bpe_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/message_of.h"

namespace limbeck::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TrainedBpe train(const std::vector<WordCount>& words, const BpeTraining& training) {
  return train_bpe(words, training);
}

// The example of the `tokenizers` library's own test of its BpeTrainer.
TEST(TrainBpe, JoinsTheMostFrequentPairFirst) {
  const auto trained = train({{"roses", 1},
                              {"are", 2},
                              {"red", 1},
                              {"voilets", 1},
                              {"blue", 1},
                              {"BERT", 1},
                              {"is", 2},
                              {"big", 1},
                              {"and", 1},
                              {"so", 1},
                              {"GPT-2", 1}},
                             {.min_frequency = 2});
  EXPECT_THAT(trained.merges, ElementsAre(Pair("r", "e"), Pair("a", "re"), Pair("i", "s")));
  EXPECT_EQ(trained.num_characters, 22);
  EXPECT_EQ(trained.tokens.size(), 25u);
  EXPECT_EQ(trained.tokens[0], "-");
  EXPECT_EQ(trained.tokens[22], "re");
}

TEST(TrainBpe, GivesSpecialTokensTheFirstIdsAndThenCharactersInOrder) {
  const auto trained = train({{"ba", 2}}, {.vocab_size = 5, .special_tokens = {"[PAD]", "[UNK]"}});
  EXPECT_THAT(trained.tokens, ElementsAre("[PAD]", "[UNK]", "a", "b", "ba"));
  EXPECT_EQ(trained.num_special, 2);
}

TEST(TrainBpe, MarksWhatContinuesAWord) {
  const auto trained = train({{"aab", 3}, {"b", 1}}, {.min_frequency = 2, .continuing_prefix = "##"});
  EXPECT_THAT(trained.tokens, ElementsAre("a", "b", "##a", "##b", "aa", "aab"));
  EXPECT_THAT(trained.merges, ElementsAre(Pair("a", "##a"), Pair("aa", "##b")));
}

TEST(TrainBpe, OfPairsThatOccurEquallyOftenTakesTheSmallerIds) {
  const auto trained = train({{"cd", 2}, {"ab", 2}}, {.vocab_size = 5});
  EXPECT_THAT(trained.merges, ElementsAre(Pair("a", "b")));
}

TEST(TrainBpe, CountsRunsOfOneCharacterFromTheLeft) {
  const auto trained = train({{"aaaa", 5}}, {.vocab_size = 10});
  EXPECT_THAT(trained.merges, ElementsAre(Pair("a", "a"), Pair("aa", "aa")));
}

TEST(TrainBpe, LeavesRareCharactersOutAndPassesThemOver) {
  const auto trained = train({{"axb", 2}, {"ab", 5}}, {.limit_alphabet = 2});
  EXPECT_THAT(trained.tokens, ElementsAre("a", "b", "ab"));
  EXPECT_EQ(trained.num_left_out, 1);
}

TEST(TrainBpe, HoldsAnInitialAlphabetWhateverTheTexts) {
  const auto trained = train({{"ab", 1}}, {.vocab_size = 3, .initial_alphabet = {"z"}});
  EXPECT_THAT(trained.tokens, ElementsAre("a", "b", "z"));
}

TEST(TrainBpe, StopsWhereNoPairIsFrequentEnough) {
  EXPECT_TRUE(train({{"ab", 2}}, {.min_frequency = 3}).merges.empty());
}

TEST(TrainBpe, RefusesAVocabularyWithoutRoomForItsCharacters) {
  const BpeTraining training{.vocab_size = 4, .special_tokens = {"[UNK]"}, .continuing_prefix = "##"};
  EXPECT_THAT(message_of([&] {
                train({{"abc", 1}}, training);
              }),
              HasSubstr("expected at least 6, for 1 special tokens and 5 characters"));
  EXPECT_THROW(train({{"abc", 1}}, training), UserError);
}

TEST(TrainBpe, RefusesNoWords) {
  EXPECT_THROW(train({}, {}), UserError);
}

}  // namespace
}  // namespace limbeck::text
