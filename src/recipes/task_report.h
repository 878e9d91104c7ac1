// What a recipe for encoders leaves: table.json, table.md, report.html, and the table on the terminal.
#pragma once

#include <string>

#include "base/run.h"
#include "recipes/task_table.h"
#include "recipes/task_training.h"

namespace limbeck::recipes {

std::string task_report(const TaskResult& result, const std::vector<ArmFigures>& rows, const OpenTask& task,
                        const Run& run);

void write_task_results(const TaskResult& result, const OpenTask& task, const Run& run);

// RUN/model, the model of the arm's first run.
void link_model(const TaskArm& arm, const Run& run);

}  // namespace limbeck::recipes
