#include "recipes/annealing_distil.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "objectives/class_distillation.h"
#include "recipes/task_distil.h"

namespace limbeck::recipes {

void AnnealingOptions::describe(Fields& f) {
  f("temperatures", temperatures, "of the arm annealing_kd: the first temperature (T_max), which falls to 1 by 1s",
    at_least(1));
  f("share", share, "of the steps of annealing_kd, in which the teacher's logits are learned; the labels in the rest",
    within(0, 1));
}

std::optional<int64_t> annealing_temperature(int64_t step, const train::Length& length,
                                             const AnnealingOptions& options) {
  const int64_t stage = length.step_at(options.share);
  if (stage > 0 && stage < options.temperatures)
    user_fail("annealing.temperatures", "expected at most the {} steps of the first stage but received {}", stage,
              options.temperatures);
  if (step >= stage) return std::nullopt;
  return options.temperatures - step * options.temperatures / stage;
}

double annealing_factor(int64_t temperature, const AnnealingOptions& options) {
  return 1 - static_cast<double>(temperature - 1) / static_cast<double>(options.temperatures);
}

StepOf annealed(const OpenTask& task, const std::vector<at::Tensor>& taught, const AnnealingOptions& options,
                const train::Length& length) {
  return [&task, &taught, options, length](models::Encoder& student, const TaskHooks& hooks) -> train::Step {
    return [&, options, length, labels = fine_tuning_step(student, task, hooks)](const data::Batch& batch) {
      const auto temperature = annealing_temperature(hooks.step(), length, options);
      if (!temperature) return labels(batch);
      const TaskPass pass = task_pass(student, batch, {.dropout_salt = hooks.salt()});
      const at::Tensor teacher = annealing_factor(*temperature, options) * taught_rows(taught, batch);
      return objectives::Loss{{objectives::logit_mse(pass.logits, teacher)}};
    };
  };
}

}  // namespace limbeck::recipes
