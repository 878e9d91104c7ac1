#include "recipes/plan_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipes/fine_tune.h"
#include "recipes/tiny_encoder.h"
#include "tensor/product.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kPlenty = int64_t{1} << 30;

// 100 examples of 10 tokens; an encoder of two blocks.
PlannedTraining hundred(int64_t runs) {
  auto work = std::make_shared<PlannedWork>();
  work->examples.resize(100);
  work->num_tokens = 1000, work->held_out_tokens = 200, work->test_tokens = 300;
  work->head = {.kind = models::HeadKind::kClassification, .outputs = 3, .labels = {}};
  return {.name = "tuning",
          .config = tiny_encoder_config(),
          .work = work,
          .train = {.epochs = 2, .batch_size = 10, .keep_checkpoints = 1},
          .runs = runs};
}

std::string said_of(const Plan& plan, const std::string& what) {
  for (const auto& [name, text] : plan.lines)
    if (name == what) return text;
  return "";
}

int64_t weights_in(const models::Head& head) {
  return num_weights(*models::make_encoder(tiny_encoder_config(), head));
}

TEST(PlanEncoder, CountsTokensOfAllRuns) {
  const EncoderPlan plan{.precision = Precision::kFp32, .trainings = {hundred(5)}};
  const Plan told = plan_of(plan, {.free_memory = kPlenty, .free_disk = kPlenty}, {});
  EXPECT_THAT(said_of(told, "tuning"), HasSubstr("5 runs of 20 steps"));
  EXPECT_EQ(said_of(told, "training reads"), "10 thousand tokens, of 5 runs together");
  EXPECT_EQ(said_of(told, "evaluation reads"), "3500 tokens") << "5 runs, twice the held-out ones and once the test";
  EXPECT_THAT(said_of(told, "memory"), HasSubstr("not measured"));
  EXPECT_EQ(said_of(told, "time"), "");
  EXPECT_TRUE(told.obstacles.empty());
}

TEST(PlanEncoder, TheTimeIsThatOfTheMeasuredEncoderInProportionToItsProducts) {
  EncoderPlan plan{.precision = Precision::kFp32, .trainings = {hundred(1)}};
  PlannedTraining& half = plan.add(plan.trainings.front(), "half");
  half.config.num_hidden_layers = 1;
  half.taught_by(tiny_encoder_config());
  const double products = 2 * (4 * 32 * 32 + 2 * 32 * 64);
  const EncoderSpeed speed{.work = half.work.get(), .product_weights = products, .trained = 100, .read = 1000};
  const Plan told = plan_of(plan, {.free_memory = kPlenty, .free_disk = kPlenty}, {speed});
  // 2,000 / 100 + 700 / 1,000; half of that; 2,000 / 1,000 by the teacher; 4 for the latency of each.
  EXPECT_EQ(said_of(told, "time"), "about 41 s");
  EXPECT_EQ(said_of(told, "teacher reads"), "2000 tokens");
}

TEST(PlanEncoder, MemoryIsMastersGradientsMomentsAndMeans) {
  PlannedTraining training = hundred(1);
  const int64_t all = weights_in(training.work->head);
  EXPECT_EQ(training_bytes(training, Precision::kFp32, 7), 16 * all + 7);
  training.means = 2;
  training.train.averaging.kind = train::AveragingKind::kEma;
  EXPECT_EQ(training_bytes(training, Precision::kFp32, 0), (16 + 12) * all);
  training.train.averaging = {.kind = train::AveragingKind::kLastK, .last = 3};
  EXPECT_EQ(training_bytes(training, Precision::kFp32, 0), (16 + 8 + 16) * all) << "three and their mean";
  training = hundred(1);
  training.head_alone = true;
  EXPECT_LT(training_bytes(training, Precision::kFp32, 0), 5 * all);
  training = hundred(1);
  const int64_t low = products_read_wide_weights() ? 0 : 2 * all;
  EXPECT_EQ(training_bytes(training, Precision::kBf16, 0), 16 * all + low);
  training.taught_by(tiny_encoder_config());
  EXPECT_EQ(training_bytes(training, Precision::kBf16, 0), 16 * all + low + 6 * weights_in({}));
}

TEST(PlanEncoder, WhatDoesNotFitIsNamedWithWhatToChange) {
  const Plan told = plan_of({.trainings = {hundred(3)}}, {.free_memory = 1000, .free_disk = 1000}, {});
  ASSERT_EQ(told.obstacles.size(), 2u);
  EXPECT_THAT(told.obstacles[0], HasSubstr("the training tuning needs"));
  EXPECT_THAT(told.obstacles[0], HasSubstr("lower train.micro_batch_tokens (4096)"));
  EXPECT_THAT(told.obstacles[1], HasSubstr("lower seeds"));
}

class PlanEncoderOf : public TinyEncoder {};

TEST_F(PlanEncoderOf, MeasuresRealStepsOfTheLargestEncoderOfEachWork) {
  FineTuneOptions options;
  fill(options);
  options.model = body();
  EncoderPlan plan = encoder_plan(options);
  PlannedTraining& texts = plan.add(plan.trainings.front(), "texts");
  texts.work = planned_texts(texts.work->examples);
  plan.add(texts, "fewer").config.num_hidden_layers = 1;
  const auto speeds = measure_speeds(plan);
  ASSERT_EQ(speeds.size(), 2u);
  for (const EncoderSpeed& speed : speeds) {
    EXPECT_GT(speed.trained, 0);
    EXPECT_GT(speed.read, 0);
    EXPECT_EQ(speed.product_weights, 4 * (4 * 32 * 32 + 2 * 32 * 64)) << "of four blocks";
    EXPECT_GE(speed.activation_bytes, 0);
  }
  EXPECT_NE(said_of(plan_of(plan, {.free_memory = kPlenty, .free_disk = kPlenty}, speeds), "time"), "");
}

}  // namespace
}  // namespace limbeck::recipes
