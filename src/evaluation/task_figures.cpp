#include "evaluation/task_figures.h"

#include <algorithm>
#include <cmath>  // std::isnan
#include <map>
#include <memory>
#include <utility>

#include "base/errors.h"
#include "evaluation/answer_spans.h"
#include "evaluation/class_metrics.h"
#include "evaluation/correlation.h"
#include "evaluation/ranking.h"
#include "evaluation/significance.h"
#include "evaluation/tagging.h"

namespace limbeck::evaluation {
namespace {

using data::Task;
using data::TaskKind;
using data::TaskRow;
using data::TaskSplit;

bool has_label(const TaskRow& row, TaskKind kind) {
  if (kind == TaskKind::kScore) return !std::isnan(row.score);
  if (kind == TaskKind::kTags) return !row.tags.empty();
  return kind == TaskKind::kSpan || row.label >= 0;
}

// A figure over drawn rows: Σ sums / Σ counts of the rows where it is such a ratio, else any function of them.
struct Measure {
  Statistic statistic;
  std::vector<double> sums, counts;  // empty where it is no ratio
};

Measure ratio_measure(std::vector<double> sums, std::vector<double> counts) {
  Measure measure{.sums = std::move(sums), .counts = std::move(counts)};
  measure.statistic = [sums = measure.sums, counts = measure.counts](std::span<const int64_t> drawn) {
    double sum = 0, count = 0;
    for (const int64_t i : drawn) sum += sums[i], count += counts[i];
    return count == 0 ? 0 : sum / count;
  };
  return measure;
}

Measure mean_measure(std::vector<double> values) {
  std::vector<double> ones(values.size(), 1);
  return ratio_measure(std::move(values), std::move(ones));
}

template <class F>
std::vector<double> values_of(std::span<const TaskRow* const> rows, const Predictions& predictions, const F& value) {
  std::vector<double> values;
  for (std::size_t i = 0; i < rows.size(); ++i) values.push_back(value(*rows[i], predictions[i]));
  return values;
}

double confidence_of(const RowPrediction& prediction) {
  return prediction.label < 0 || prediction.probabilities.empty() ? 0 : prediction.probabilities[prediction.label];
}

std::vector<int64_t> labels_named(const Task& task, const std::vector<std::string>& names) {
  std::vector<int64_t> places;
  for (const std::string& name : names)
    places.push_back(std::find(task.labels.begin(), task.labels.end(), name) - task.labels.begin());
  return places;
}

// Of each label: the number of its relation, which is what stands before `relation_until`; -1 where it is not counted.
std::vector<int64_t> relations_of(const Task& task) {
  std::map<std::string, int64_t> numbers;
  std::vector<int64_t> relations;
  for (const std::string& label : task.labels) {
    const std::string relation = label.substr(0, label.find(task.description.relation_until));
    relations.push_back(numbers.try_emplace(relation, static_cast<int64_t>(numbers.size())).first->second);
  }
  for (const int64_t label : labels_named(task, task.description.not_counted))
    if (label < static_cast<int64_t>(relations.size())) relations[label] = -1;
  return relations;
}

Measure count_measure(const std::string& metric, const Task& task, std::span<const TaskRow* const> rows,
                      const Predictions& predictions) {
  const auto classes = static_cast<int64_t>(task.labels.size());
  std::vector<int64_t> cells;
  for (std::size_t i = 0; i < rows.size(); ++i) cells.push_back(rows[i]->label * classes + predictions[i].label);
  const std::vector<int64_t> left_out = labels_named(task, task.description.not_counted);
  const int64_t positive = positive_label(task);
  const std::vector<int64_t> relations = relations_of(task);
  return {.statistic = [=, counts = std::vector<int64_t>()](std::span<const int64_t> drawn) mutable {
    counts.assign(static_cast<std::size_t>(classes * classes), 0);
    for (const int64_t i : drawn) ++counts[cells[i]];
    if (metric == "f1") return f1_of_class(counts, classes, positive);
    if (metric == "relation_f1") return group_macro_f1(counts, classes, relations);
    if (metric == "matthews") return matthews(counts, classes);
    return metric == "macro_f1" ? macro_f1(counts, classes, left_out) : micro_f1(counts, classes, left_out);
  }};
}

Measure calibration_measure(std::span<const TaskRow* const> rows, const Predictions& predictions) {
  auto confidence =
      values_of(rows, predictions, [](const TaskRow&, const RowPrediction& p) { return confidence_of(p); });
  auto right = values_of(rows, predictions,
                         [](const TaskRow& row, const RowPrediction& p) { return row.label == p.label ? 1.0 : 0.0; });
  return {.statistic = [confidence = std::move(confidence), right = std::move(right)](std::span<const int64_t> drawn) {
    std::vector<double> c, r;
    for (const int64_t i : drawn) c.push_back(confidence[i]), r.push_back(right[i]);
    return calibration_error(c, r);
  }};
}

Measure correlation_measure(double (*correlation)(std::span<const double>, std::span<const double>),
                            std::span<const TaskRow* const> rows, const Predictions& predictions) {
  auto ours = values_of(rows, predictions, [](const TaskRow&, const RowPrediction& p) { return p.score; });
  auto theirs = values_of(rows, predictions, [](const TaskRow& row, const RowPrediction&) { return row.score; });
  return {.statistic = [=](std::span<const int64_t> drawn) {
    std::vector<double> a, b;
    for (const int64_t i : drawn) a.push_back(ours[i]), b.push_back(theirs[i]);
    return correlation(a, b);
  }};
}

// The mean over groups. A group's rows are drawn together: each carries its share of the group.
Measure ranking_measure(const std::string& metric, const Task& task, std::span<const TaskRow* const> rows,
                        const Predictions& predictions) {
  const int64_t positive = positive_label(task);
  std::map<int64_t, std::vector<Ranked>> groups;
  for (std::size_t i = 0; i < rows.size(); ++i)
    groups[rows[i]->group].push_back(
        {.score = predictions[i].probabilities[positive], .relevant = rows[i]->label == positive});
  std::map<int64_t, std::pair<double, double>> shares;  // of a row: figure and count
  for (const auto& [group, answers] : groups) {
    const auto figure = metric == "map" ? average_precision(answers) : reciprocal_rank(answers);
    const double share = 1 / static_cast<double>(answers.size());
    shares[group] = figure ? std::pair(*figure * share, share) : std::pair(0.0, 0.0);
  }
  std::vector<double> sums, counts;
  for (const TaskRow* row : rows) sums.push_back(shares[row->group].first), counts.push_back(shares[row->group].second);
  return ratio_measure(std::move(sums), std::move(counts));
}

Measure tagging_measure(const std::string& metric, const Task& task, std::span<const TaskRow* const> rows,
                        const Predictions& predictions) {
  std::vector<double> sums, counts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& tags = rows[i]->tags;
    const auto& ours = predictions[i].tags;
    if (metric == "token_accuracy") {
      double right = 0;
      for (std::size_t w = 0; w < tags.size(); ++w) right += ours[w] == tags[w];
      sums.push_back(right), counts.push_back(static_cast<double>(tags.size()));
      continue;
    }
    std::vector<std::string> predicted, labels;
    for (std::size_t w = 0; w < tags.size(); ++w) {
      labels.push_back(task.labels[tags[w]]);
      predicted.push_back(ours[w] < 0 ? "O" : task.labels[ours[w]]);
    }
    const EntityCounts found = entity_counts(predicted, labels);
    sums.push_back(2 * found.right), counts.push_back(found.predicted + found.labelled);
  }
  return ratio_measure(std::move(sums), std::move(counts));
}

std::vector<std::string> answers_of(const TaskRow& row) {
  std::vector<std::string> texts;
  for (const auto& answer : row.answers) texts.push_back(answer.text);
  return texts;
}

Measure measure_of(const std::string& metric, const Task& task, std::span<const TaskRow* const> rows,
                   const Predictions& predictions) {
  if (metric == "accuracy")
    return mean_measure(values_of(rows, predictions, [](const TaskRow& row, const RowPrediction& p) {
      return row.label == p.label ? 1.0 : 0.0;
    }));
  if (metric == "calibration_error") return calibration_measure(rows, predictions);
  if (metric == "pearson") return correlation_measure(pearson, rows, predictions);
  if (metric == "spearman") return correlation_measure(spearman, rows, predictions);
  if (metric == "mean_squared_error")
    return mean_measure(values_of(rows, predictions, [](const TaskRow& row, const RowPrediction& p) {
      return (row.score - p.score) * (row.score - p.score);
    }));
  if (metric == "map" || metric == "mrr") return ranking_measure(metric, task, rows, predictions);
  if (metric == "entity_f1" || metric == "token_accuracy") return tagging_measure(metric, task, rows, predictions);
  if (metric == "span_f1")
    return mean_measure(values_of(rows, predictions, [](const TaskRow& row, const RowPrediction& p) {
      return word_f1(p.answer, answers_of(row));
    }));
  if (metric == "exact_match")
    return mean_measure(values_of(rows, predictions, [](const TaskRow& row, const RowPrediction& p) {
      return exact_match(p.answer, answers_of(row));
    }));
  return count_measure(metric, task, rows, predictions);
}

struct Labelled {
  std::vector<const TaskRow*> rows;
  std::vector<Predictions> runs;
};

Labelled labelled_of(const Task& task, const TaskSplit& split, std::span<const Predictions> runs) {
  Labelled labelled;
  if (runs.empty()) fail("task_figures", "expected the predictions of at least one run but received none");
  for (const TaskRow& row : split.rows)
    if (has_label(row, task.description.kind)) labelled.rows.push_back(&row);
  if (labelled.rows.empty()) user_fail(split.name, "expected at least one row with a label but there is none");
  for (const Predictions& run : runs) {
    if (run.size() != split.rows.size())
      fail("task_figures", "expected a prediction for each of {} rows but received {}", split.rows.size(), run.size());
    Predictions kept;
    for (std::size_t i = 0; i < run.size(); ++i)
      if (has_label(split.rows[i], task.description.kind)) kept.push_back(run[i]);
    labelled.runs.push_back(std::move(kept));
  }
  return labelled;
}

std::vector<Measure> measures_of(const std::string& metric, const Task& task, const Labelled& labelled) {
  std::vector<Measure> measures;
  for (const Predictions& run : labelled.runs) measures.push_back(measure_of(metric, task, labelled.rows, run));
  return measures;
}

Statistic mean_statistic(const std::vector<Measure>& measures) {
  return [&measures](std::span<const int64_t> drawn) {
    double sum = 0;
    for (const Measure& measure : measures) sum += measure.statistic(drawn);
    return sum / static_cast<double>(measures.size());
  };
}

BootstrapOptions grouped(const BootstrapOptions& options, const Labelled& labelled) {
  BootstrapOptions result = options;
  result.groups.clear();
  if (labelled.rows.front()->group >= 0)
    for (const TaskRow* row : labelled.rows) result.groups.push_back(row->group);
  return result;
}

std::vector<int64_t> all_of(const Labelled& labelled) {
  std::vector<int64_t> all;
  for (std::size_t i = 0; i < labelled.rows.size(); ++i) all.push_back(static_cast<int64_t>(i));
  return all;
}

// The mean over runs of each row's value; none where the figure is no mean over rows.
std::optional<std::vector<double>> row_values(const std::vector<Measure>& measures) {
  std::vector<double> values;
  for (const Measure& measure : measures) {
    if (measure.counts.empty() ||
        std::any_of(measure.counts.begin(), measure.counts.end(), [](double count) { return count != 1; }))
      return std::nullopt;
    values.resize(measure.sums.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += measure.sums[i] / static_cast<double>(measures.size());
  }
  return values;
}

}  // namespace

std::vector<TaskFigure> task_figures(const Task& task, const TaskSplit& split, std::span<const Predictions> runs,
                                     const BootstrapOptions& options) {
  const Labelled labelled = labelled_of(task, split, runs);
  const std::vector<int64_t> all = all_of(labelled);
  std::vector<TaskFigure> figures;
  for (const std::string& metric : data::chosen_metrics(task.description)) {
    const std::vector<Measure> measures = measures_of(metric, task, labelled);
    TaskFigure figure{.name = metric,
                      .interval = bootstrap_statistic(static_cast<int64_t>(all.size()), mean_statistic(measures),
                                                      grouped(options, labelled))};
    for (const Measure& measure : measures) figure.runs.push_back(measure.statistic(all));
    figures.push_back(std::move(figure));
  }
  return figures;
}

double task_metric(const std::string& metric, const Task& task, const TaskSplit& split,
                   const Predictions& predictions) {
  const Labelled labelled = labelled_of(task, split, {&predictions, 1});
  return measure_of(metric, task, labelled.rows, labelled.runs.front()).statistic(all_of(labelled));
}

std::vector<TaskComparison> compare_tasks(const Task& task, const TaskSplit& split, std::span<const Predictions> a,
                                          std::span<const Predictions> b, const BootstrapOptions& options) {
  const Labelled ours = labelled_of(task, split, a), theirs = labelled_of(task, split, b);
  std::vector<TaskComparison> comparisons;
  for (const std::string& metric : data::chosen_metrics(task.description)) {
    const std::vector<Measure> first = measures_of(metric, task, ours), second = measures_of(metric, task, theirs);
    TaskComparison result{
        .metric = metric,
        .comparison = compare_statistics(static_cast<int64_t>(ours.rows.size()), mean_statistic(first),
                                         mean_statistic(second), grouped(options, ours))};
    const auto values = row_values(first), others = row_values(second);
    const bool alone = grouped(options, ours).groups.empty();  // rows of a group are not exchanged one by one
    if (values && others && alone) {
      result.permutation = permutation_p(*values, *others, options.seed);
      if (a.size() == 1 && b.size() == 1 && (metric == "accuracy" || metric == "exact_match")) {
        int64_t only_a = 0, only_b = 0;
        for (std::size_t i = 0; i < values->size(); ++i)
          only_a += (*values)[i] > (*others)[i], only_b += (*values)[i] < (*others)[i];
        result.mcnemar = mcnemar_p(only_a, only_b);
      }
    }
    comparisons.push_back(std::move(result));
  }
  return comparisons;
}

bool larger_is_better(const std::string& metric) {
  return metric != "calibration_error" && metric != "mean_squared_error";
}

bool is_share(const std::string& metric) {
  return metric != "mean_squared_error";
}

int64_t positive_label(const Task& task) {
  if (task.description.positive.empty()) return 1;
  const auto found = std::find(task.labels.begin(), task.labels.end(), task.description.positive);
  if (found == task.labels.end())
    user_fail(task.description.name, "positive: expected one of the labels but received '{}'",
              task.description.positive);
  return found - task.labels.begin();
}

std::vector<double> right_rows(const TaskSplit& split, const Predictions& predictions) {
  std::vector<double> right;
  for (std::size_t i = 0; i < split.rows.size(); ++i)
    right.push_back(split.rows[i].label >= 0 && split.rows[i].label == predictions[i].label ? 1 : 0);
  return right;
}

}  // namespace limbeck::evaluation
