#include "recipes/task_distil.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "objectives/class_distillation.h"

namespace limbeck::recipes {
namespace {

void expect_logits_to_compare(const OpenTask& task, const TaskDistilOptions& options) {
  const data::TaskKind kind = task.data.description.kind;
  if (kind == data::TaskKind::kSpan || kind == data::TaskKind::kChoice)
    user_fail("kd", "expected a task of classes, tags or scores but {} is another", task.data.description.name);
  if (kind == data::TaskKind::kScore && options.loss != SoftLoss::kMse)
    user_fail("kd.loss", "expected mse for the scores of {}, which have no distribution", task.data.description.name);
}

}  // namespace

void TaskDistilOptions::describe(Fields& f) {
  f("loss", loss, "between the student's and the teacher's logits; mse is the one for scores",
    {{"forward-kl", SoftLoss::kForwardKl},
     {"reverse-kl", SoftLoss::kReverseKl},
     {"jensen-shannon", SoftLoss::kJensenShannon},
     {"soft-cross-entropy", SoftLoss::kSoftCrossEntropy},
     {"mse", SoftLoss::kMse}});
  f("weight", weight, "of the teacher in the loss (a); the labels have 1 - a", within(0, 1));
  f("temperature", temperature, "softens both predictions (T)", above(0));
  f("temperature_squared", temperature_squared,
    "multiply by T², so that gradients keep their size (Hinton et al., sec. 2)");
  f("beta", beta, "the teacher's share of the mixture, with jensen-shannon",
    Range{.low = 0, .high = 1, .low_open = true, .high_open = true});
}

std::vector<at::Tensor> taught_logits(models::Encoder& teacher, const OpenTask& task,
                                      const TaskDistilOptions& options) {
  expect_logits_to_compare(task, options);
  std::vector<at::Tensor> logits = task_logits(teacher, task.train.examples);
  const at::Tensor order = outputs_of_labels(teacher, task);
  if (!order.defined()) return logits;
  for (at::Tensor& rows : logits) rows = rows.index_select(1, order);
  return logits;
}

at::Tensor outputs_of_labels(const models::Encoder& teacher, const OpenTask& task) {
  if (teacher.head().labels.empty() || teacher.head().labels == task.data.labels) return {};
  return at::tensor(data::matched_labels(task.data.labels, teacher.head().labels, "the teacher"), at::kLong);
}

at::Tensor taught_rows(const std::vector<at::Tensor>& taught, const data::Batch& batch) {
  std::vector<at::Tensor> rows;
  for (const int64_t index : batch.indices) rows.push_back(taught[static_cast<std::size_t>(index)]);
  return at::cat(rows);
}

objectives::Term soft_loss(const at::Tensor& student, const at::Tensor& teacher, const TaskDistilOptions& options) {
  const objectives::ClassDistillationOptions soft{
      .temperature = options.temperature, .temperature_squared = options.temperature_squared, .beta = options.beta};
  switch (options.loss) {
    case SoftLoss::kSoftCrossEntropy:
      return objectives::soft_cross_entropy(student, teacher, soft);
    case SoftLoss::kMse:
      return objectives::logit_mse(student, teacher);
    case SoftLoss::kForwardKl:
      return objectives::class_divergence(student, teacher, objectives::Divergence::kForwardKl, soft);
    case SoftLoss::kReverseKl:
      return objectives::class_divergence(student, teacher, objectives::Divergence::kReverseKl, soft);
    case SoftLoss::kJensenShannon:
      break;
  }
  return objectives::class_divergence(student, teacher, objectives::Divergence::kJensenShannon, soft);
}

objectives::Loss distilled_loss(const at::Tensor& logits, const data::Batch& batch, const OpenTask& task,
                                const std::vector<at::Tensor>& taught, const TaskDistilOptions& options) {
  objectives::Loss loss;
  if (options.weight < 1) {
    loss.terms.push_back(task_loss(logits, batch, task.data.description.kind, task.train));
    loss.terms.back().weight = 1 - options.weight;
  }
  if (options.weight > 0) {
    loss.terms.push_back(soft_loss(logits, taught_rows(taught, batch), options));
    loss.terms.back().weight = options.weight;
  }
  return loss;
}

train::Step distilling_step(models::Encoder& student, const OpenTask& task, const TaskHooks& hooks,
                            const std::vector<at::Tensor>& taught, const TaskDistilOptions& options) {
  return [&student, &task, &hooks, &taught, options](const data::Batch& batch) {
    return distilled_loss(task_pass(student, batch, {.dropout_salt = hooks.salt()}).logits, batch, task, taught,
                          options);
  };
}

StepOf distilling(const OpenTask& task, const std::vector<at::Tensor>& taught, const TaskDistilOptions& options) {
  return [&](models::Encoder& student, const TaskHooks& hooks) {
    return distilling_step(student, task, hooks, taught, options);
  };
}

}  // namespace limbeck::recipes
