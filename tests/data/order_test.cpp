#include "data/order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/errors.h"

namespace limbeck::data {
namespace {

TEST(Order, ShowsEveryExampleOnceAnEpochInANewOrder) {
  Order order(10, 4, Seed(1));
  ASSERT_EQ(order.steps_per_epoch(), 3);
  std::vector<std::vector<int64_t>> epochs;
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int64_t> seen;
    for (int64_t step = 0; step < 3; ++step) {
      const auto batch = order.batch(epoch * 3 + step);
      EXPECT_EQ(batch.size(), step == 2 ? 2u : 4u);
      seen.insert(seen.end(), batch.begin(), batch.end());
    }
    epochs.push_back(seen);
    EXPECT_EQ(std::set<int64_t>(seen.begin(), seen.end()).size(), 10u);
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
}

TEST(Order, DependsOnSeedAndStepAlone) {
  Order forward(50, 8, Seed(3)), other(50, 8, Seed(4));
  std::vector<std::vector<int64_t>> batches;
  for (int64_t step = 0; step < 20; ++step) batches.push_back(forward.batch(step));
  Order backward(50, 8, Seed(3));
  for (int64_t step = 19; step >= 0; --step) EXPECT_EQ(backward.batch(step), batches[step]) << step;
  EXPECT_NE(other.batch(0), batches[0]);
}

TEST(Order, RefusesNoExamples) {
  EXPECT_THROW(Order(0, 4, Seed(1)), Error);
}

TEST(SplitByTokens, KeepsEveryExampleOnceWithinTheBudget) {
  Random random{Seed(7)};
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> lengths(1 + random.below(40));
    for (auto& length : lengths) length = 1 + static_cast<int64_t>(random.below(100));
    const int64_t budget = 1 + static_cast<int64_t>(random.below(300));
    std::vector<int64_t> seen;
    for (const auto& part : split_by_tokens(lengths, budget)) {
      ASSERT_FALSE(part.empty());
      int64_t tokens = 0;
      for (const int64_t i : part) tokens += lengths[i];
      EXPECT_TRUE(part.size() == 1 || tokens <= budget) << tokens << " of " << budget;
      seen.insert(seen.end(), part.begin(), part.end());
    }
    std::sort(seen.begin(), seen.end());
    std::vector<int64_t> all(lengths.size());
    std::iota(all.begin(), all.end(), 0);
    ASSERT_EQ(seen, all);
  }
}

TEST(SplitByTokens, MakesEvenPartsRatherThanAFullOneAndARest) {
  const auto parts = split_by_tokens({10, 10, 10, 10, 10, 10}, 50);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].size(), 3u);
  EXPECT_EQ(parts[1].size(), 3u);
}

TEST(SplitByTokens, LeavesABatchWholeThatFits) {
  EXPECT_EQ(split_by_tokens({3, 9, 5}, 17), (std::vector<std::vector<int64_t>>{{1, 2, 0}}));
}

}  // namespace
}  // namespace limbeck::data
