#include "models/layer_choice.h"

#include <gtest/gtest.h>

#include <set>

#include "base/message_of.h"

namespace limbeck::models {
namespace {

using Blocks = std::vector<int64_t>;

Blocks dropped(DropRule rule, int64_t num_blocks, int64_t drop) {
  return blocks_to_drop(num_blocks, {.rule = rule, .drop = drop});
}

// arXiv:2004.03844, fig. 2, counted from 0 here.
TEST(LayerChoice, DropsOfTwelveBlocksWhatThePaperDrops) {
  EXPECT_EQ(dropped(DropRule::kTop, 12, 4), (Blocks{8, 9, 10, 11}));
  EXPECT_EQ(dropped(DropRule::kBottom, 12, 4), (Blocks{0, 1, 2, 3}));
  EXPECT_EQ(dropped(DropRule::kAlternateOdd, 12, 6), (Blocks{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(dropped(DropRule::kAlternateEven, 12, 6), (Blocks{1, 3, 5, 7, 9, 11}));
  EXPECT_EQ(dropped(DropRule::kAlternateOdd, 12, 4), (Blocks{4, 6, 8, 10}));
  EXPECT_EQ(dropped(DropRule::kAlternateEven, 12, 4), (Blocks{5, 7, 9, 11}));
  EXPECT_EQ(dropped(DropRule::kSymmetric, 12, 6), (Blocks{3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(dropped(DropRule::kSymmetric, 12, 4), (Blocks{4, 5, 6, 7}));
  EXPECT_EQ(dropped(DropRule::kSymmetric, 12, 2), (Blocks{5, 6}));
}

TEST(LayerChoice, KeepsOneMoreBelowWhereAnOddNumberStays) {
  EXPECT_EQ(blocks_to_keep(6, dropped(DropRule::kSymmetric, 6, 3)), (Blocks{0, 1, 5}));
}

TEST(LayerChoice, KeepsTheBlocksOfDistilBert) {
  EXPECT_EQ(blocks_to_keep(12, dropped(DropRule::kSpaced, 12, 6)), (Blocks{0, 2, 4, 7, 9, 11}));
}

TEST(LayerChoice, DropsTheMostAlikeOrTheSmallest) {
  const std::vector<double> scores = {0.5, 0.9, 0.7, 0.9, 0.1};
  EXPECT_EQ(blocks_to_drop(5, {.rule = DropRule::kContribution, .drop = 1}, scores),
            (Blocks{3}));  // of equals the upper
  EXPECT_EQ(blocks_to_drop(5, {.rule = DropRule::kContribution, .drop = 3}, scores), (Blocks{1, 2, 3}));
  EXPECT_EQ(blocks_to_drop(5, {.rule = DropRule::kParameterSum, .drop = 2}, scores), (Blocks{0, 4}));
  EXPECT_EQ(blocks_to_drop(5, {.rule = DropRule::kParameterVariance, .drop = 2}, scores), (Blocks{0, 4}));
  EXPECT_THROW(blocks_to_drop(5, {.rule = DropRule::kContribution, .drop = 1}), Error);
}

TEST(LayerChoice, DropsAtRandomByTheSeed) {
  std::set<Blocks> seen;
  const LayerChoiceOptions options{.rule = DropRule::kRandom, .drop = 2};
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Blocks blocks = blocks_to_drop(6, options, {}, Seed(seed));
    EXPECT_EQ(blocks, blocks_to_drop(6, options, {}, Seed(seed)));
    EXPECT_EQ(blocks_to_keep(6, blocks).size(), 4u);
    seen.insert(blocks);
  }
  EXPECT_GT(seen.size(), 8u);
}

TEST(LayerChoice, OfNothingIsTheWholeModel) {
  for (const auto& [name, rule] : drop_rules()) {
    const std::vector<double> scores(6, 1.0);
    EXPECT_TRUE(blocks_to_drop(6, {.rule = rule, .drop = 0}, scores).empty()) << name;
  }
  EXPECT_EQ(blocks_to_keep(3, {}), (Blocks{0, 1, 2}));
}

TEST(LayerChoice, SaysWhatCannotGo) {
  const auto mistake = [](const LayerChoiceOptions& options) {
    return message_of<UserError>([&] { blocks_to_drop(6, options); });
  };
  EXPECT_NE(mistake({.rule = DropRule::kTop, .drop = 6}).find("0 to 5 of 6"), std::string::npos);
  EXPECT_NE(mistake({.rule = DropRule::kAlternateOdd, .drop = 4}).find("at most 3"), std::string::npos);
  EXPECT_NE(mistake({.rule = DropRule::kGiven, .given = {1, 6}}).find("0 to 5 but received 6"), std::string::npos);
  EXPECT_NE(mistake({.rule = DropRule::kGiven, .given = {1, 1}}).find("1 twice"), std::string::npos);
  EXPECT_NE(mistake({.rule = DropRule::kGiven, .drop = 2, .given = {1}}).find("2 given blocks"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::models
