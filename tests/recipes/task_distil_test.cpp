#include "recipes/task_distil.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

class TaskDistilTest : public TinyTask {
 protected:
  TaskDistilTest()
      : task_(open(film_data())),
        student_(models::make_encoder(tiny_encoder_config(), head_of(task_.data), Seed(1))),
        teacher_(models::make_encoder(tiny_encoder_config(), head_of(task_.data), Seed(2))) {}
  data::Batch batch(const std::vector<int64_t>& rows) const {
    std::vector<data::Example> examples;
    for (const int64_t row : rows) examples.push_back(task_.train.examples[static_cast<std::size_t>(row)]);
    return data::collate(examples);
  }
  OpenTask task_;
  std::shared_ptr<models::Encoder> student_, teacher_;
};

TEST_F(TaskDistilTest, AddsTheLabelsLossAndTheTeachersRowByRow) {
  const TaskDistilOptions kd{.weight = 0.3, .temperature = 2};
  const auto taught = taught_logits(*teacher_, task_, kd);
  const TaskHooks hooks(*student_, task_, Seed(5));
  const data::Batch rows = batch({7, 2, 11});
  const auto loss = distilling_step(*student_, task_, hooks, taught, kd)(rows);
  ASSERT_EQ(loss.terms.size(), 2u);

  const at::Tensor z = task_pass(*student_, rows, {.dropout_salt = hooks.salt()}).logits.detach().to(at::kDouble);
  at::Tensor labels = at::empty({3}, at::kLong), teacher = at::empty({3, 2}, at::kDouble);
  for (int64_t i = 0; i < 3; ++i) {
    labels[i] = task_.train.classes[static_cast<std::size_t>(rows.indices[static_cast<std::size_t>(i)])];
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
  const TaskHooks hooks(*student_, task_, Seed(5));
  const data::Batch rows = batch({0, 1});
  const std::vector<at::Tensor> none(task_.train.examples.size());
  const auto kd = distilling_step(*student_, task_, hooks, none, {.weight = 0})(rows),
             plain = fine_tuning_step(*student_, task_, hooks)(rows);
  ASSERT_EQ(kd.terms.size(), 1u);
  EXPECT_EQ(kd.terms[0].sum.item<double>(), plain.terms[0].sum.item<double>());
}

TEST_F(TaskDistilTest, PutsATeachersOutputsIntoTheStudentsOrder) {
  models::Head turned = head_of(task_.data);
  std::swap(turned.labels[0], turned.labels[1]);
  const auto other = models::with_head(*teacher_, turned, Seed(8));
  const auto in_order = taught_logits(*other, task_, {});
  const auto plain = task_logits(*other, task_.train.examples);
  EXPECT_TRUE(in_order[0].equal(plain[0].flip({1})));
  turned.labels = {"negative", "neutral"};
  const auto stranger = models::with_head(*teacher_, turned, Seed(8));
  EXPECT_THROW(taught_logits(*stranger, task_, {}), UserError);
}

TEST_F(TaskDistilTest, RefusesTasksWithoutLogitsToCompare) {
  OpenTask task = task_;
  task.data.description.kind = data::TaskKind::kSpan;
  EXPECT_NE(message_of<UserError>([&] { taught_logits(*teacher_, task, {}); }).find("classes, tags or scores"),
            std::string::npos);
  task.data.description.kind = data::TaskKind::kScore;
  EXPECT_NE(message_of<UserError>([&] { taught_logits(*teacher_, task, {}); }).find("expected mse"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::recipes
