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

TEST(LearningRate, HoldsOrFallsInALineToItsPlateau) {
  Options options{.learning_rate = 2,
                  .schedule = ScheduleKind::kPlateau,
                  .warmup_steps = 4,
                  .plateau_start = 0.5,
                  .plateau_rate = 0.25};
  EXPECT_DOUBLE_EQ(learning_rate_at(3, 20, options), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(9, 20, options), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(10, 20, options), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate_at(19, 20, options), 0.5);
  options.schedule = ScheduleKind::kDecayToPlateau;
  EXPECT_DOUBLE_EQ(learning_rate_at(4, 20, options), 2);
  EXPECT_DOUBLE_EQ(learning_rate_at(7, 20, options), 2 - 1.5 * 3 / 6);
  EXPECT_DOUBLE_EQ(learning_rate_at(10, 20, options), 0.5);
}

TEST(LearningRate, OfCyclesFallsToItsLowestInTheLastStepOfEach) {
  const Options options{.learning_rate = 2,
                        .schedule = ScheduleKind::kCyclical,
                        .warmup_steps = 0,
                        .plateau_start = 0.25,
                        .plateau_rate = 1,
                        .cycle_steps = 4,
                        .cycle_rate = 0.1};
  EXPECT_DOUBLE_EQ(learning_rate_at(4, 20, options), 2);
  // t = 1/4, 2/4, 3/4, 1 of 2 (1 - t) + 0.2 t, from step 5 on
  const std::vector<double> cycle = {1.55, 1.1, 0.65, 0.2};
  for (int64_t i = 0; i < 8; ++i) EXPECT_NEAR(learning_rate_at(5 + i, 20, options), cycle[i % 4], 1e-12) << i;
}

TEST(Length, IsByEpochsOrGivenAndAShareOfItIsAStep) {
  EXPECT_EQ(length_of(40, {.epochs = 2.5, .batch_size = 16}).steps, 8);
  EXPECT_EQ(length_of(40, {.batch_size = 16}).steps_per_epoch, 3);
  EXPECT_EQ(length_of(40, {.max_steps = 7}).steps, 7);
  EXPECT_EQ(length_of(1, {.epochs = 0.001}).steps, 1);
  EXPECT_EQ((Length{.steps = 10}.step_at(0.3)), 3);
  EXPECT_EQ((Length{.steps = 7}.step_at(0.5)), 3);
}

TEST(LearningRate, StaysWhereItIsConstantAndKeepsRisingInAWarmUpLongerThanTheRun) {
  EXPECT_DOUBLE_EQ(
      learning_rate_at(99, 100, {.learning_rate = 3, .schedule = ScheduleKind::kConstant, .warmup_steps = 1}), 3);
  EXPECT_DOUBLE_EQ(learning_rate_at(9, 10, {.learning_rate = 3, .warmup_steps = 100}), 0.3);
}

}  // namespace
}  // namespace limbeck::train
