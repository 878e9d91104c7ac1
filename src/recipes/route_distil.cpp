#include "recipes/route_distil.h"

#include <fmt/format.h>

#include <utility>

#include "base/errors.h"

namespace limbeck::recipes {

void RouteOptions::describe(Fields& f) {
  f("anchors", anchors, "of the arm rco: equally spaced checkpoints of the teacher's training, one after another",
    at_least(1));
}

int64_t steps_of_anchor(int64_t anchor, int64_t total_steps, const RouteOptions& options) {
  return (anchor + 1) * total_steps / options.anchors;
}

int64_t anchor_of_step(int64_t step, int64_t total_steps, const RouteOptions& options) {
  return step * options.anchors / total_steps;
}

RouteHooks::RouteHooks(models::Encoder& teacher, TaskHooks& own, const Run& run, const RouteOptions& options,
                       const train::Length& length, std::shared_ptr<const text::Tokenizer> tokenizer)
    : teacher_(teacher), own_(own), run_(run), options_(options), length_(length), tokenizer_(std::move(tokenizer)) {
  if (length.steps < options.anchors)
    user_fail("route.anchors", "expected at most the {} steps of the teacher's training but received {}", length.steps,
              options.anchors);
}

void RouteHooks::after_step(int64_t step) {
  own_.after_step(step);
  for (int64_t anchor = 0; anchor + 1 < options_.anchors; ++anchor) {
    if (step != steps_of_anchor(anchor, length_.steps, options_)) continue;
    const auto folder = folder_of_anchor(run_.folder(), anchor);
    std::filesystem::create_directories(folder.parent_path());
    models::save_encoder(folder, teacher_, *tokenizer_);
  }
}

std::filesystem::path folder_of_anchor(const std::filesystem::path& teachers_run, int64_t anchor) {
  return teachers_run / "anchors" / std::to_string(anchor + 1);
}

StepOf distilled_along(const OpenTask& task, const std::vector<std::vector<at::Tensor>>& taught,
                       const TaskDistilOptions& kd, const train::Length& length) {
  return [&task, &taught, kd, length](models::Encoder& student, const TaskHooks& hooks) -> train::Step {
    std::vector<train::Step> steps;
    for (const auto& anchor : taught) steps.push_back(distilling_step(student, task, hooks, anchor, kd));
    const RouteOptions route{.anchors = static_cast<int64_t>(steps.size())};
    return [&hooks, steps, route, length](const data::Batch& batch) {
      return steps[static_cast<std::size_t>(anchor_of_step(hooks.step(), length.steps, route))](batch);
    };
  };
}

}  // namespace limbeck::recipes
