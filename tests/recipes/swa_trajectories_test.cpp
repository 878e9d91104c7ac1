#include "recipes/swa_trajectories.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

Trajectory trajectory(const SwaOptions& options, const std::string& name) {
  const auto all = trajectories(options, options.train);
  return *std::find_if(all.begin(), all.end(), [&](const auto& t) { return t.name == name; });
}

TEST(SwaTrajectories, HaveArmsOfTheirOwnNames) {
  const auto names = swa_arm_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const char* arm : {"linear", "last3", "constant", "swa", "swa_late", "swa_epoch", "ema", "swa_low",
                          "swa_cyclical", "kd", "kd_swa", "annealing_kd", "rco", "mate_kd"})
    EXPECT_NE(std::find(names.begin(), names.end(), arm), names.end()) << arm;
}

TEST(SwaTrajectories, HoldAShareOfThePeakFromWhereAveragingBegins) {
  SwaOptions options;
  options.start = 0.25, options.rate = 0.8, options.low_rate = 0.01, options.every = 7;
  const train::Options constant = trajectory(options, "constant").train, low = trajectory(options, "low").train,
                       cyclical = trajectory(options, "cyclical").train;
  EXPECT_EQ(constant.schedule, train::ScheduleKind::kPlateau);
  EXPECT_EQ(constant.plateau_start, 0.25);
  EXPECT_EQ(constant.plateau_rate, 0.8);
  EXPECT_EQ(low.plateau_rate, 0.01);
  EXPECT_EQ(cyclical.cycle_steps, 7);  // one snapshot at the end of each cycle
  EXPECT_EQ(trajectory(options, "cyclical").means[0].averaging.every, 7);
  EXPECT_EQ(trajectory(options, "linear").train.schedule, train::ScheduleKind::kLinear);
  EXPECT_EQ(trajectory(options, "constant").lesson, Lesson::kLabels);
  EXPECT_EQ(trajectory(options, "kd_constant").lesson, Lesson::kLogits);
}

TEST(SwaTrajectories, WaysToDistilHaveTheScheduleOfFineTuning) {
  const SwaOptions options;
  const train::Options linear = trajectory(options, "linear").train;
  for (const char* name : {"kd", "annealing_kd", "rco", "mate_kd"}) {
    const Trajectory taught = trajectory(options, name);
    EXPECT_EQ(taught.train.schedule, linear.schedule) << name;
    EXPECT_EQ(taught.train.epochs, linear.epochs) << name;
    EXPECT_NE(taught.lesson, Lesson::kLabels) << name;
    EXPECT_TRUE(taught.means.empty()) << name;
  }
}

TEST(SwaTrajectories, AreWantedForTheirArmsAndForThoseOfTheirMeans) {
  SwaOptions options;
  options.arms = {"ema", "rco"};
  const auto wanted = wanted_trajectories(options, options.train);
  ASSERT_EQ(wanted.size(), 2u);
  EXPECT_EQ(wanted[0].name, "constant");
  ASSERT_EQ(wanted[0].means.size(), 1u);
  EXPECT_EQ(wanted[0].means[0].name, "ema");
  EXPECT_EQ(wanted[1].name, "rco");
}

class SwaFollowed : public TinyTask {};

TEST_F(SwaFollowed, LeavesEachMeanAsAModelAfterTheLastStep) {
  const OpenTask task = open(film_data());
  const auto model = encoder(head_of(task.data));
  const limbeck::Run in = run();
  TaskHooks own(*model, task, Seed(1));
  const train::Length length{.steps = 4, .steps_per_epoch = 2};
  Followed hooks(*model, own, in, {{"mean", "a mean", {.kind = train::AveragingKind::kSwa, .start = 0.5, .every = 1}}},
                 length, word_piece_tokenizer());
  at::Tensor& weight = model->word_embeddings();
  const at::Tensor before = weight.detach().clone();
  for (int64_t step = 1; step <= 4; ++step) {
    const at::NoGradGuard no_grad;
    weight.copy_(before + static_cast<double>(step));
    hooks.after_step(step);
  }
  EXPECT_TRUE(weight.detach().equal(before + 4));
  const auto mean = models::load_encoder(in.path("means/mean/model")).model;
  EXPECT_TRUE(at::allclose(mean->word_embeddings().detach(), before + 3.5));
  EXPECT_GT(hooks.state().size(), 1u);
}

}  // namespace
}  // namespace limbeck::recipes
