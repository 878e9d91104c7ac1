#include "recipes/task_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>  // std::sqrt
#include <map>

#include "recipes/ekt_table.h"  // p_value_text
#include "recipes/plan.h"       // count_text

namespace limbeck::recipes {
namespace {

double deviation(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return values.size() < 2 ? 0 : std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double scale_of(const std::string& metric) {
  return evaluation::is_share(metric) ? 100 : 1;
}

int digits_of(const std::string& metric) {
  return evaluation::is_share(metric) ? 1 : 3;
}

const TaskArm* arm_named(const TaskResult& result, const std::string& name) {
  for (const TaskArm& arm : result.arms)
    if (arm.name == name) return &arm;
  return nullptr;
}

std::string milliseconds(double value) {
  return value == 0 ? "–" : value < 1 ? fmt::format("{:.2f}", value) : fmt::format("{:.1f}", value);
}

std::string weights_text(int64_t count) {
  if (count == 0) return "–";
  if (count < 50'000) return fmt::format("{}", count);
  return fmt::format("{:.1f} M", static_cast<double>(count) / 1e6);
}

}  // namespace

std::vector<ArmFigures> figures_of(const TaskResult& result, const OpenTask& task) {
  const evaluation::BootstrapOptions bootstrap{.resamples = result.resamples};
  const TaskArm* main = arm_named(result, result.main);
  std::vector<ArmFigures> rows;
  for (const TaskArm& arm : result.arms) {
    ArmFigures row{.arm = &arm, .figures = evaluation::task_figures(task.data, task.data.test, arm.runs, bootstrap)};
    if (main != nullptr && main != &arm)
      row.against_main = evaluation::compare_tasks(task.data, task.data.test, main->runs, arm.runs, bootstrap);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string figure_text(const std::string& metric, double value) {
  return fmt::format("{:.{}f}", scale_of(metric) * value, digits_of(metric));
}

std::string figure_text(const std::string& metric, const evaluation::Interval& interval) {
  return fmt::format("{} ({} to {})", figure_text(metric, interval.value), figure_text(metric, interval.low),
                     figure_text(metric, interval.high));
}

std::string metric_title(const std::string& metric) {
  static const std::map<std::string, std::string> titles = {{"f1", "F1"},
                                                            {"macro_f1", "macro F1"},
                                                            {"micro_f1", "micro F1"},
                                                            {"relation_f1", "relation F1"},
                                                            {"matthews", "Matthews"},
                                                            {"map", "MAP"},
                                                            {"mrr", "MRR"},
                                                            {"pearson", "Pearson"},
                                                            {"spearman", "Spearman"},
                                                            {"span_f1", "F1"},
                                                            {"entity_f1", "entity F1"},
                                                            {"exact_match", "exact match"},
                                                            {"token_accuracy", "token accuracy"},
                                                            {"calibration_error", "calibration error"},
                                                            {"mean_squared_error", "mean squared error"}};
  const auto found = titles.find(metric);
  return (found == titles.end() ? metric : found->second) + (evaluation::is_share(metric) ? " %" : "");
}

Cells task_cells(const std::vector<ArmFigures>& rows) {
  Cells cells = {{"arm"}};
  for (const auto& figure : rows.front().figures) cells[0].push_back(metric_title(figure.name));
  for (const char* name : {"weights", "trained", "ms, batch 1", "ms, batch 32"}) cells[0].emplace_back(name);
  for (const ArmFigures& row : rows) {
    std::vector<std::string> line = {row.arm->title};
    for (const auto& figure : row.figures) {
      std::string text = figure_text(figure.name, figure.interval);
      if (figure.runs.size() > 1) text += fmt::format(" ±{}", figure_text(figure.name, deviation(figure.runs)));
      line.push_back(std::move(text));
    }
    line.push_back(weights_text(row.arm->num_parameters));
    line.push_back(weights_text(row.arm->num_trained));
    line.push_back(milliseconds(row.arm->speed.one));
    line.push_back(milliseconds(row.arm->speed.thirty_two));
    cells.push_back(std::move(line));
  }
  return cells;
}

Cells comparison_cells(const std::vector<ArmFigures>& rows) {
  Cells cells = {{"against", "figure", "difference", "p, bootstrap", "p, permutation", "p, McNemar"}};
  const auto p_text = [](const std::optional<double>& p) { return p ? p_value_text(*p) : std::string("–"); };
  for (const ArmFigures& row : rows)
    for (const auto& c : row.against_main) {
      const auto& d = c.comparison.difference;
      const double scale = scale_of(c.metric);
      const int digits = digits_of(c.metric);
      cells.push_back({row.arm->title, metric_title(c.metric),
                       fmt::format("{:+.{}f} ({:+.{}f} to {:+.{}f})", scale * d.value, digits, scale * d.low, digits,
                                   scale * d.high, digits),
                       p_value_text(c.comparison.p_value), p_text(c.permutation), p_text(c.mcnemar)});
    }
  if (cells.size() == 1) cells.clear();
  return cells;
}

std::string task_caption(const TaskResult& result, const OpenTask& task) {
  const auto& test = task.data.test.rows;
  const std::size_t seeds =
      result.arms.empty()
          ? 1
          : std::max_element(result.arms.begin(), result.arms.end(), [](const TaskArm& a, const TaskArm& b) {
              return a.runs.size() < b.runs.size();
            })->runs.size();
  std::string text =
      fmt::format("{}: {} training, {} dev and {} test rows; {}; 95 % bootstrap intervals over the {}.",
                  task.data.description.name, task.data.train.rows.size(), task.data.dev.rows.size(), test.size(),
                  seeds == 1 ? "one seed" : fmt::format("means of {} seeds, ± their standard deviation", seeds),
                  !test.empty() && test.front().group >= 0 ? "groups of test rows" : "test rows");
  return text +
         " Times are of a row, from token ids to logits, right after an arm's training: medians over up to 200 "
         "rows alone and up to 20 batches of 32, of each the fastest of several passes.";
}

Json task_json(const TaskResult& result, const std::vector<ArmFigures>& rows, const OpenTask& task) {
  Json arms = Json::array();
  for (const ArmFigures& row : rows) {
    Json figures = Json::object();
    for (const auto& figure : row.figures)
      figures[figure.name] = {{"value", figure.interval.value},
                              {"low", figure.interval.low},
                              {"high", figure.interval.high},
                              {"runs", figure.runs}};
    Json arm = {{"arm", row.arm->name},
                {"title", row.arm->title},
                {"figures", figures},
                {"parameters", row.arm->num_parameters},
                {"trained_parameters", row.arm->num_trained}};
    for (const auto& c : row.against_main) {
      Json& json = arm[result.main + " less this"][c.metric];
      json = {{"value", c.comparison.difference.value},
              {"low", c.comparison.difference.low},
              {"high", c.comparison.difference.high},
              {"p_bootstrap", c.comparison.p_value}};
      if (c.permutation) json["p_permutation"] = *c.permutation;
      if (c.mcnemar) json["p_mcnemar"] = *c.mcnemar;
    }
    arms.push_back(std::move(arm));
  }
  return {{"method", result.method},
          {"task", task.data.description.name},
          {"num_train", task.data.train.rows.size()},
          {"num_dev", task.data.dev.rows.size()},
          {"num_test", task.data.test.rows.size()},
          {"notes", task.data.notes},
          {"arms", arms}};
}

}  // namespace limbeck::recipes
