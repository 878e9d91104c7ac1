#include "recipes/annealing_distil.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/message_of.h"
#include "recipes/task_distil.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

std::vector<int64_t> temperatures_of(const train::Length& length, const AnnealingOptions& options) {
  std::vector<int64_t> all;
  for (int64_t step = 0; step < length.steps; ++step)
    all.push_back(annealing_temperature(step, length, options).value_or(0));
  return all;
}

TEST(Annealing, FallsFromTheHighestTemperatureToOneInEqualPartsOfTheFirstStage) {
  EXPECT_EQ(temperatures_of({.steps = 12}, {.temperatures = 3, .share = 0.75}),
            (std::vector<int64_t>{3, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0}));
  EXPECT_EQ(temperatures_of({.steps = 10}, {.temperatures = 4, .share = 0.7}),
            (std::vector<int64_t>{4, 4, 3, 3, 2, 2, 1, 0, 0, 0}))
      << "7 steps in 4 parts";
  EXPECT_EQ(temperatures_of({.steps = 3}, {.temperatures = 3, .share = 1}), (std::vector<int64_t>{3, 2, 1}));
  EXPECT_EQ(temperatures_of({.steps = 2}, {.temperatures = 3, .share = 0}), (std::vector<int64_t>{0, 0}));
}

TEST(Annealing, GrowsTheTeachersLogitsFromAShareToTheWhole) {
  const AnnealingOptions options{.temperatures = 10};
  EXPECT_DOUBLE_EQ(annealing_factor(10, options), 0.1);
  EXPECT_DOUBLE_EQ(annealing_factor(4, options), 0.7);
  EXPECT_DOUBLE_EQ(annealing_factor(1, options), 1);
}

TEST(Annealing, RefusesMoreTemperaturesThanSteps) {
  const std::string message =
      message_of<UserError>([] { annealing_temperature(0, {.steps = 10}, {.temperatures = 8, .share = 0.7}); });
  EXPECT_NE(message.find("annealing.temperatures"), std::string::npos) << message;
  EXPECT_NE(message.find("7 steps"), std::string::npos) << message;
}

class AnnealingStep : public TinyTask {};

// 10 steps: T = 4 in steps 0 and 1, T = 1 in step 6, the labels from step 7 on.
TEST_F(AnnealingStep, RegressesTheAnnealedLogitsAndThenLearnsTheLabels) {
  const OpenTask task = open(film_data());
  const auto student = encoder(head_of(task.data));
  const auto teacher = models::make_encoder(tiny_encoder_config(), head_of(task.data), Seed(8));
  const auto taught = taught_logits(*teacher, task, {});
  TaskHooks hooks(*student, task, Seed(5));
  const train::Step step = annealed(task, taught, {.temperatures = 4, .share = 0.7}, {.steps = 10})(*student, hooks);
  const data::Batch batch = data::collate({task.train.examples[7], task.train.examples[2], task.train.examples[11]});

  for (const auto& [at, factor] : {std::pair<int64_t, double>{1, 0.25}, {2, 0.5}, {6, 1}}) {
    hooks.before_step(at);
    const auto loss = step(batch);
    ASSERT_EQ(loss.terms.size(), 1u);
    const at::Tensor z = task_pass(*student, batch, {.dropout_salt = hooks.salt()}).logits.detach().to(at::kDouble);
    double expected = 0;
    for (int64_t i = 0; i < 3; ++i) {
      const at::Tensor of_teacher =
          task_pass(*teacher, data::collate({task.train.examples[static_cast<std::size_t>(batch.indices[i])]}))
              .logits.detach()[0];
      for (int64_t c = 0; c < 2; ++c) {
        const double less = z[i][c].item<double>() - factor * of_teacher[c].item<double>();
        expected += less * less / 2;
      }
    }
    EXPECT_NEAR(loss.terms[0].sum.item<double>(), expected, 1e-5) << at;
    EXPECT_EQ(loss.terms[0].count, 3);
    EXPECT_EQ(loss.terms[0].weight, 1);
  }

  hooks.before_step(7);
  const auto loss = step(batch);
  ASSERT_EQ(loss.terms.size(), 1u);
  const at::Tensor z = task_pass(*student, batch, {.dropout_salt = hooks.salt()}).logits.detach().to(at::kDouble);
  double cross_entropy = 0;
  for (int64_t i = 0; i < 3; ++i)
    cross_entropy -=
        at::log_softmax(z[i], 0)[task.train.classes[static_cast<std::size_t>(batch.indices[i])]].item<double>();
  EXPECT_NEAR(loss.terms[0].sum.item<double>(), cross_entropy, 1e-5);
}

}  // namespace
}  // namespace limbeck::recipes
