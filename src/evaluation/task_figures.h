// The figures of a task from predictions of its rows, each with a bootstrap interval, and two models beside each other.
// A model that was trained several times (other seeds) has a list of predictions for each run: its figure is the mean.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/task_rows.h"
#include "evaluation/bootstrap.h"

namespace limbeck::evaluation {

// What a model says of a row. What other kinds of task have is empty.
struct RowPrediction {
  std::vector<double> probabilities;  // kClasses: of each label; kChoice: of each choice
  int64_t label = -1;                 // the likeliest of them
  double score = 0;                   // kScore
  std::vector<int64_t> tags;          // kTags: of each word; -1 where it was cut off
  std::string answer;                 // kSpan; empty: none
};
using Predictions = std::vector<RowPrediction>;  // of the rows of a split, in their order

struct TaskFigure {
  std::string name;  // of data::metrics_of
  Interval interval;
  std::vector<double> runs;  // of each run alone
};

// Of the metrics that the task's description chooses. Rows without a label are left out; throws Error when there is no
// other, or when predictions and rows are not as many.
std::vector<TaskFigure> task_figures(const data::Task& task, const data::TaskSplit& split,
                                     std::span<const Predictions> runs, const BootstrapOptions& options);
// One figure without an interval, of one run.
double task_metric(const std::string& metric, const data::Task& task, const data::TaskSplit& split,
                   const Predictions& predictions);

// a less b on the same rows.
struct TaskComparison {
  std::string metric;
  Comparison comparison;              // paired bootstrap
  std::optional<double> mcnemar;      // p-value, of what is right or wrong and was run once
  std::optional<double> permutation;  // p-value, where the figure is a mean over rows
};
std::vector<TaskComparison> compare_tasks(const data::Task& task, const data::TaskSplit& split,
                                          std::span<const Predictions> a, std::span<const Predictions> b,
                                          const BootstrapOptions& options);

// Whether a larger figure is better; the calibration and squared errors are not.
bool larger_is_better(const std::string& metric);
// Per cent, but for errors that are none.
bool is_share(const std::string& metric);
// The label that f1, map and mrr are of.
int64_t positive_label(const data::Task& task);
// 1 for each row that is right (kClasses, kChoice), 0 for others.
std::vector<double> right_rows(const data::TaskSplit& split, const Predictions& predictions);

}  // namespace limbeck::evaluation
