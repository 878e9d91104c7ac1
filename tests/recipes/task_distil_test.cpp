#include "recipes/task_distil.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_study.h"

namespace limbeck::recipes {
namespace {

class TaskDistilTest : public testing::Test {
 protected:
  TaskDistilTest() {
    tiny_.fill(options_);
    study_ = std::make_unique<Study>(options_, tiny_.encoder(), tiny_.run("run"));
    student_ = study_->open(tiny_.encoder(), Seed(1)).model;
    teacher_ = study_->open(tiny_.encoder(), Seed(2)).model;
  }
  data::Batch batch(std::vector<int64_t> rows) const {
    std::vector<data::Example> examples;
    for (const int64_t row : rows) examples.push_back(study_->task().train.examples[static_cast<std::size_t>(row)]);
    return data::collate(examples);
  }
  TinyStudy tiny_;
  StudyOptions options_;
  std::unique_ptr<Study> study_;
  std::shared_ptr<models::Encoder> student_, teacher_;
};

TEST_F(TaskDistilTest, AddsTheLabelsLossAndTheTeachersRowByRow) {
  const OpenTask& task = study_->task();
  const TaskDistilOptions kd{.weight = 0.3, .temperature = 2};
  const auto taught = taught_logits(*teacher_, task, kd);
  const TaskHooks hooks(*student_, task, Seed(5));
  const data::Batch rows = batch({7, 2, 11});
  const auto loss = distilling_step(*student_, task, hooks, taught, kd)(rows);
  ASSERT_EQ(loss.terms.size(), 2u);

  const at::Tensor z = task_pass(*student_, rows, {.dropout_salt = hooks.salt(rows)}).logits.detach().to(at::kDouble);
  at::Tensor labels = at::empty({3}, at::kLong), teacher = at::empty({3, 2}, at::kDouble);
  for (int64_t i = 0; i < 3; ++i) {
    labels[i] = task.train.classes[static_cast<std::size_t>(rows.indices[static_cast<std::size_t>(i)])];
    teacher[i] = task_pass(*teacher_, batch({rows.indices[static_cast<std::size_t>(i)]})).logits.detach()[0];
  }
  const double cross_entropy = -at::log_softmax(z, 1).gather(1, labels.unsqueeze(1)).sum().item<double>();
  const at::Tensor p = at::softmax(teacher / 2, 1), q = at::softmax(z / 2, 1);
  const double divergence = 4 * (p * (p / q).log()).sum().item<double>();
  EXPECT_NEAR(loss.terms[0].sum.item<double>(), cross_entropy, 1e-5);
  EXPECT_NEAR(loss.terms[1].sum.item<double>(), divergence, 1e-5);
  EXPECT_DOUBLE_EQ(loss.terms[0].weight, 0.7);
  EXPECT_DOUBLE_EQ(loss.terms[1].weight, 0.3);
}

TEST_F(TaskDistilTest, WithoutWeightIsFineTuning) {
  const OpenTask& task = study_->task();
  const TaskHooks hooks(*student_, task, Seed(5));
  const data::Batch rows = batch({0, 1});
  // `taught` is not read: an empty list would be out of range.
  const std::vector<at::Tensor> none(48);
  const auto kd = distilling_step(*student_, task, hooks, none, {.weight = 0})(rows),
             plain = fine_tuning_step(*student_, task, hooks)(rows);
  ASSERT_EQ(kd.terms.size(), 1u);
  EXPECT_EQ(kd.terms[0].sum.item<double>(), plain.terms[0].sum.item<double>());
}

TEST_F(TaskDistilTest, PutsATeachersOutputsIntoTheStudentsOrder) {
  models::Head turned = head_of(study_->task().data);
  std::swap(turned.labels[0], turned.labels[1]);
  const auto other = models::with_head(*teacher_, turned, Seed(8));
  const auto in_order = taught_logits(*other, study_->task(), {});
  const auto plain = task_logits(*other, study_->task().train.examples);
  EXPECT_TRUE(in_order[0].equal(plain[0].flip({1})));
  turned.labels = {"negative", "neutral"};
  const auto stranger = models::with_head(*teacher_, turned, Seed(8));
  EXPECT_THROW(taught_logits(*stranger, study_->task(), {}), UserError);
}

TEST_F(TaskDistilTest, RefusesTasksWithoutLogitsToCompare) {
  OpenTask task = study_->task();
  task.data.description.kind = data::TaskKind::kSpan;
  EXPECT_NE(message_of<UserError>([&] { taught_logits(*teacher_, task, {}); }).find("classes, tags or scores"),
            std::string::npos);
  task.data.description.kind = data::TaskKind::kScore;
  EXPECT_NE(message_of<UserError>([&] { taught_logits(*teacher_, task, {}); }).find("expected mse"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::recipes
