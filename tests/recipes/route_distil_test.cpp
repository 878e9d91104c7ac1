#include "recipes/route_distil.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/message_of.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

std::vector<int64_t> anchors_of(int64_t steps, const RouteOptions& options) {
  std::vector<int64_t> all;
  for (int64_t step = 0; step < steps; ++step) all.push_back(anchor_of_step(step, steps, options));
  return all;
}

TEST(Route, GivesEachAnchorAnEqualShareOfTheStudentsSteps) {
  EXPECT_EQ(anchors_of(8, {.anchors = 4}), (std::vector<int64_t>{0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(anchors_of(7, {.anchors = 3}), (std::vector<int64_t>{0, 0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(anchors_of(2, {.anchors = 1}), (std::vector<int64_t>{0, 0}));
}

TEST(Route, SpacesAnchorsEquallyInTheTeachersStepsUpToItsEnd) {
  std::vector<int64_t> steps;
  for (int64_t anchor = 0; anchor < 4; ++anchor) steps.push_back(steps_of_anchor(anchor, 39, {.anchors = 4}));
  EXPECT_EQ(steps, (std::vector<int64_t>{9, 19, 29, 39}));
}

class RouteTest : public TinyTask {};

TEST_F(RouteTest, LeavesTheTeacherAsItIsAtEachAnchorBeforeTheLast) {
  const OpenTask task = open(film_data());
  const auto teacher = encoder(head_of(task.data));
  const limbeck::Run in = run();
  TaskHooks own(*teacher, task, Seed(1));
  RouteHooks hooks(*teacher, own, in, {.anchors = 3}, {.steps = 6, .steps_per_epoch = 2}, word_piece_tokenizer());
  at::Tensor& weight = teacher->word_embeddings();
  const at::Tensor before = weight.detach().clone();
  for (int64_t step = 1; step <= 6; ++step) {
    hooks.before_step(step - 1);
    EXPECT_EQ(own.step(), step - 1);
    const at::NoGradGuard no_grad;
    weight.copy_(before + static_cast<double>(step));
    hooks.after_step(step);
  }
  for (const int64_t anchor : {0, 1}) {
    const auto saved = models::load_encoder(folder_of_anchor(in.folder(), anchor)).model;
    EXPECT_TRUE(saved->word_embeddings().detach().equal(before + static_cast<double>(2 * (anchor + 1)))) << anchor;
    EXPECT_EQ(saved->head().labels, task.data.labels);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_of_anchor(in.folder(), 2))) << "that is the finished teacher";
  EXPECT_EQ(hooks.evaluate(6), own.evaluate(6));
  EXPECT_TRUE(hooks.state().empty());
}

TEST_F(RouteTest, RefusesMoreAnchorsThanSteps) {
  const OpenTask task = open(film_data());
  const auto teacher = encoder(head_of(task.data));
  TaskHooks own(*teacher, task, Seed(1));
  const std::string message = message_of<UserError>([&] {
    RouteHooks(*teacher, own, run(), {.anchors = 5}, {.steps = 4, .steps_per_epoch = 2}, word_piece_tokenizer());
  });
  EXPECT_NE(message.find("route.anchors"), std::string::npos) << message;
}

TEST_F(RouteTest, DistilsFromTheAnchorOfTheStep) {
  const OpenTask task = open(film_data());
  const auto student = encoder(head_of(task.data));
  const TaskDistilOptions kd{.weight = 0.4, .temperature = 2};
  std::vector<std::vector<at::Tensor>> taught;
  for (const uint64_t seed : {11, 12, 13})
    taught.push_back(
        taught_logits(*models::make_encoder(tiny_encoder_config(), head_of(task.data), Seed(seed)), task, kd));
  TaskHooks hooks(*student, task, Seed(5));
  const train::Step step = distilled_along(task, taught, kd, {.steps = 7})(*student, hooks);
  const std::vector<int64_t> rows = {3, 0};
  const data::Batch batch = data::collate({task.train.examples[3], task.train.examples[0]});
  for (const auto& [at, anchor] : {std::pair<int64_t, std::size_t>{0, 0}, {2, 0}, {3, 1}, {4, 1}, {5, 2}, {6, 2}}) {
    hooks.before_step(at);
    const auto loss = step(batch);
    const at::Tensor z = task_pass(*student, batch, {.dropout_salt = hooks.salt()}).logits.detach().to(at::kDouble);
    double divergence = 0;
    for (int64_t i = 0; i < 2; ++i) {
      const at::Tensor p = at::softmax(taught[anchor][static_cast<std::size_t>(rows[i])][0].to(at::kDouble) / 2, 0);
      divergence += 4 * (p * (p.log() - at::log_softmax(z[i] / 2, 0))).sum().item<double>();
    }
    ASSERT_EQ(loss.terms.size(), 2u);
    EXPECT_NEAR(loss.terms[1].sum.item<double>(), divergence, 1e-5) << at;
    EXPECT_DOUBLE_EQ(loss.terms[1].weight, 0.4);
  }
}

}  // namespace
}  // namespace limbeck::recipes
