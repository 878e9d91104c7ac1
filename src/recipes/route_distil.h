// Route-constrained optimisation (Jin, Peng, Wu, Liu, Liu, Liang, Yan, Hu; ICCV 2019, arXiv:1904.09149): the student
// is distilled from a sequence of checkpoints along the teacher's own training, from early and easy to imitate to
// finished. The anchors of the route are equally spaced in the teacher's steps (the paper's equal epoch interval; its
// greedy search of anchors is left out), each teaches an equal share of the student's steps, and the loss is logit
// distillation as the recipe has it (recipes/task_distil.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "recipes/task_distil.h"
#include "recipes/task_training.h"
#include "text/tokenizer.h"
#include "train/schedule.h"

namespace limbeck::recipes {

struct RouteOptions {
  int64_t anchors = 4;
  void describe(Fields& f);
};

// Steps of the teacher that anchor 0, 1, … has behind it; the last is the finished teacher.
int64_t steps_of_anchor(int64_t anchor, int64_t total_steps, const RouteOptions& options);
// Which anchor teaches a step of the student, counted from 0.
int64_t anchor_of_step(int64_t step, int64_t total_steps, const RouteOptions& options);

// Beside the hooks of the teacher's training: leaves it as it is at each anchor but the last in RUN/anchors/K. A run
// that goes on writes the same bytes again.
class RouteHooks : public train::Hooks {
 public:
  // Throws UserError where there are fewer steps than anchors.
  RouteHooks(models::Encoder& teacher, TaskHooks& own, const Run& run, const RouteOptions& options,
             const train::Length& length, std::shared_ptr<const text::Tokenizer> tokenizer);
  void before_step(int64_t step) override { own_.before_step(step); }
  void after_step(int64_t step) override;
  std::optional<double> evaluate(int64_t step) override { return own_.evaluate(step); }

 private:
  models::Encoder& teacher_;
  TaskHooks& own_;
  Run run_;
  RouteOptions options_;
  train::Length length_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
};
std::filesystem::path folder_of_anchor(const std::filesystem::path& teachers_run, int64_t anchor);

// `taught`: the logits of each anchor (taught_logits), early to last. They and the task outlive the result.
StepOf distilled_along(const OpenTask& task, const std::vector<std::vector<at::Tensor>>& taught,
                       const TaskDistilOptions& kd, const train::Length& length);

}  // namespace limbeck::recipes
