// Knowledge distillation on a task (Hinton et al., arXiv:1503.02531): the student learns the labels and what a trained
// teacher says of the same rows. What recipes with such an arm share. The teacher reads every training row once,
// without dropout; its logits are kept.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "base/fields.h"
#include "models/encoder.h"
#include "recipes/task_training.h"
#include "train/fit.h"

namespace limbeck::recipes {

enum class SoftLoss { kForwardKl, kReverseKl, kJensenShannon, kSoftCrossEntropy, kMse };

struct TaskDistilOptions {
  SoftLoss loss = SoftLoss::kForwardKl;
  double weight = 0.5, temperature = 2, beta = 0.5;  // weight: a of (1 - a) CE + a T² KL
  bool temperature_squared = true;
  void describe(Fields& f);
};

// Of the training rows, in the order of the task's labels. Throws UserError for a kind of task that has no logits to
// compare (spans, choices), for a score with another loss than the squared error, and for a teacher of other labels.
std::vector<at::Tensor> taught_logits(models::Encoder& teacher, const OpenTask& task, const TaskDistilOptions& options);

// Which of the teacher's outputs stands for each label of the task; undefined: they are in that order. Throws UserError
// for a teacher of other labels.
at::Tensor outputs_of_labels(const models::Encoder& teacher, const OpenTask& task);
// Of the rows of a batch, one behind the other.
at::Tensor taught_rows(const std::vector<at::Tensor>& taught, const data::Batch& batch);

// student [B,C], teacher [B,C] -> the loss that the options name, with T² where they say so; its weight is left at 1.
objectives::Term soft_loss(const at::Tensor& student, const at::Tensor& teacher, const TaskDistilOptions& options);
// (1 - a) · the task's loss + a · the soft loss, of a student's logits of these rows.
objectives::Loss distilled_loss(const at::Tensor& logits, const data::Batch& batch, const OpenTask& task,
                                const std::vector<at::Tensor>& taught, const TaskDistilOptions& options);
// The same of a forward pass with dropout. All outlive the result.
train::Step distilling_step(models::Encoder& student, const OpenTask& task, const TaskHooks& hooks,
                            const std::vector<at::Tensor>& taught, const TaskDistilOptions& options);
StepOf distilling(const OpenTask& task, const std::vector<at::Tensor>& taught, const TaskDistilOptions& options);

}  // namespace limbeck::recipes
