#include "train/schedule.h"

#include <gtest/gtest.h>

namespace limbeck::train {
namespace {

TEST(LearningRate, RisesToThePeakInTheLastStepOfTheWarmUp) {
  const Options options{.learning_rate = 2, .warmup_steps = 4};
  EXPECT_DOUBLE_EQ(learning_rate_at(0, 20, options), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(3, 20, options), 2);
}

TEST(LearningRate, FallsInAStraightLineTowardsZeroAfterTheLastStep) {
  const Options options{.learning_rate = 2, .warmup_steps = 4};
  EXPECT_DOUBLE_EQ(learning_rate_at(4, 20, options), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(12, 20, options), 1);
  EXPECT_DOUBLE_EQ(learning_rate_at(19, 20, options), 2.0 / 16);
}

TEST(LearningRate, FollowsHalfACosineToItsFinalShare) {
  const Options options{
      .learning_rate = 2, .schedule = ScheduleKind::kCosine, .warmup_steps = 0, .final_learning_rate = 0.1};
  EXPECT_DOUBLE_EQ(learning_rate_at(0, 100, options), 2);
  EXPECT_NEAR(learning_rate_at(50, 100, options), 2 * (0.1 + 0.9 * 0.5), 1e-12);
  EXPECT_NEAR(learning_rate_at(25, 100, options), 2 * (0.1 + 0.9 * 0.8535533905932737), 1e-12);
  EXPECT_NEAR(learning_rate_at(100, 100, options), 0.2, 1e-12);
}

TEST(LearningRate, StaysWhereItIsConstantAndKeepsRisingInAWarmUpLongerThanTheRun) {
  EXPECT_DOUBLE_EQ(
      learning_rate_at(99, 100, {.learning_rate = 3, .schedule = ScheduleKind::kConstant, .warmup_steps = 1}), 3);
  EXPECT_DOUBLE_EQ(learning_rate_at(9, 10, {.learning_rate = 3, .warmup_steps = 100}), 0.3);
}

}  // namespace
}  // namespace limbeck::train
