// The arms of an encoder recipe as a table: each figure with its interval, size and speed, and the arm that the recipe
// is about against each other one, row by row of the same test data.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/run.h"
#include "evaluation/task_figures.h"
#include "recipes/cells.h"
#include "recipes/task_arm.h"

namespace limbeck::recipes {

struct TaskResult {
  std::string method, title, paper;  // "fine-tune", "Fine-tuning", "Devlin et al. ..., arXiv:..."
  std::string main;                  // the arm that others are compared with; empty: none is
  std::vector<TaskArm> arms;
  int64_t resamples = 2000;
};

struct ArmFigures {
  const TaskArm* arm = nullptr;
  std::vector<evaluation::TaskFigure> figures;
  std::vector<evaluation::TaskComparison> against_main;  // main less this arm; empty for main itself
};

// Figures of all arms on the test rows.
std::vector<ArmFigures> figures_of(const TaskResult& result, const OpenTask& task);

std::string figure_text(const std::string& metric, double value);  // "91.3"; per cent but for errors
std::string figure_text(const std::string& metric, const evaluation::Interval& interval);  // "91.3 (90.1 to 92.4)"
std::string metric_title(const std::string& metric);                                       // "macro F1 %"

Cells task_cells(const std::vector<ArmFigures>& rows);
Cells comparison_cells(const std::vector<ArmFigures>& rows);  // empty where nothing is compared
std::string task_caption(const TaskResult& result, const OpenTask& task);
Json task_json(const TaskResult& result, const std::vector<ArmFigures>& rows, const OpenTask& task);

}  // namespace limbeck::recipes
