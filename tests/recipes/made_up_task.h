// A task of made-up rows with two arms of made-up predictions, for tests of tables and pages.
#pragma once

#include "recipes/task_table.h"

namespace limbeck::recipes {

inline OpenTask made_up_task() {
  OpenTask task{.data = {.description = {.name = "made <up>", .metrics = {"accuracy", "calibration_error"}},
                         .labels = {"no", "yes"}}};
  task.data.test.name = "test";
  for (int64_t i = 0; i < 10; ++i)
    task.data.test.rows.push_back(
        {.first = "row & " + std::to_string(i), .label = i % 2, .where = "t:" + std::to_string(i)});
  task.data.notes = {"test: 1 of 11 rows left out, with an empty text"};
  return task;
}

// Right in the first `right` rows.
inline TaskArm made_up_arm(const std::string& name, int64_t right, int64_t num_runs = 1) {
  TaskArm arm{
      .name = name, .title = name + " arm", .num_parameters = 2000000, .num_trained = 1000, .speed = {2.5, 0.25}};
  for (int64_t r = 0; r < num_runs; ++r) {
    evaluation::Predictions run;
    for (int64_t i = 0; i < 10; ++i) {
      const int64_t label = i < right - r ? i % 2 : 1 - i % 2;
      run.push_back({.probabilities = {label == 0 ? 0.9 : 0.1, label == 0 ? 0.1 : 0.9}, .label = label});
    }
    arm.runs.push_back(std::move(run));
  }
  return arm;
}

inline TaskResult made_up_task_result() {
  return {.method = "fine-tune",
          .title = "Fine-tuning",
          .paper = "",
          .main = "tuned",
          .arms = {made_up_arm("plain", 5), made_up_arm("tuned", 9)},
          .resamples = 200};
}

}  // namespace limbeck::recipes
