#include "recipes/task_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>  // std::iota

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "recipes/charts.h"
#include "recipes/html.h"
#include "recipes/task_charts.h"
#include "recipes/time_shares.h"

namespace limbeck::recipes {
namespace {

using data::TaskKind;

constexpr std::size_t kMostTableLabels = 20, kRowsShown = 12;

std::string arm_colour(const TaskResult& result, const TaskArm& arm) {
  return fmt::format("c{}", (&arm - result.arms.data()) % 9);
}

const TaskArm& main_arm(const TaskResult& result) {
  for (const TaskArm& arm : result.arms)
    if (arm.name == result.main) return arm;
  return result.arms.back();
}

std::string html_cells(const Cells& cells) {
  std::string html = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (const std::string& name : cells.front()) html += fmt::format("<th>{}</th>", escape_html(name));
  html += "</tr></thead>\n<tbody>\n";
  for (std::size_t r = 1; r < cells.size(); ++r) {
    html += "<tr>";
    for (std::size_t c = 0; c < cells[r].size(); ++c) {
      const std::string& text = cells[r][c];
      const std::size_t space = text.find(" (");
      if (c == 0)
        html += fmt::format("<th>{}</th>", escape_html(text));
      else if (space == std::string::npos)
        html += fmt::format("<td>{}</td>", escape_html(text));
      else
        html += fmt::format("<td>{}<small>{}</small></td>", escape_html(text.substr(0, space)),
                            escape_html(text.substr(space + 1)));
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string metric_charts(const TaskResult& result, const std::vector<ArmFigures>& rows) {
  std::string html;
  for (std::size_t f = 0; f < rows.front().figures.size(); ++f) {
    const std::string& metric = rows.front().figures[f].name;
    if (!evaluation::is_share(metric)) continue;
    std::vector<DotRow> dots;
    for (const ArmFigures& row : rows) {
      evaluation::Interval shown = row.figures[f].interval;
      shown.low = std::max(0.0, shown.low), shown.value = std::max(0.0, shown.value),
      shown.high = std::max(0.0, shown.high);
      dots.push_back({row.arm->title, arm_colour(result, *row.arm), shown});
    }
    html += dots_with_whiskers(metric_title(metric) + (evaluation::larger_is_better(metric) ? "" : ", lower is better"),
                               dots);
  }
  return html;
}

std::string speed_charts(const TaskResult& result, const std::vector<ArmFigures>& rows) {
  std::string html;
  const std::string& metric = rows.front().figures.front().name;
  if (!evaluation::is_share(metric)) return "";
  for (const bool one : {true, false}) {
    std::vector<SpeedDot> dots;
    for (const ArmFigures& row : rows)
      if (const double ms = one ? row.arm->speed.one : row.arm->speed.thirty_two; ms > 0)
        dots.push_back({row.arm->title, arm_colour(result, *row.arm), ms, row.figures.front().interval.value,
                        row.arm->num_parameters});
    html += speed_chart(fmt::format("{} over the time of a row, batch {}", metric_title(metric), one ? 1 : 32), dots);
  }
  return html;
}

bool is_classes(const OpenTask& task) {
  return task.data.description.kind == TaskKind::kClasses;
}

std::string calibration(const TaskResult& result, const OpenTask& task) {
  std::vector<CalibrationCurve> curves;
  for (const TaskArm& arm : result.arms) {
    const auto& run = arm.runs.front();
    if (run.empty() || run.front().probabilities.empty()) continue;
    std::vector<double> confidence;
    for (const auto& prediction : run) confidence.push_back(prediction.probabilities[prediction.label]);
    curves.push_back({arm.title, arm_colour(result, arm),
                      evaluation::calibration_bins(confidence, evaluation::right_rows(task.data.test, run))});
  }
  return curves.empty() ? "" : calibration_chart(curves);
}

std::string confusion(const TaskResult& result, const OpenTask& task) {
  std::vector<int64_t> labels, predicted;
  const auto& run = main_arm(result).runs.front();
  for (std::size_t i = 0; i < run.size(); ++i)
    if (task.data.test.rows[i].label >= 0)
      labels.push_back(task.data.test.rows[i].label), predicted.push_back(run[i].label);
  const auto counts = evaluation::confusion_counts(predicted, labels, static_cast<int64_t>(task.data.labels.size()));
  return task.data.labels.size() <= kMostTableLabels ? confusion_table(counts, task.data.labels)
                                                     : confusion_list(counts, task.data.labels);
}

std::string text_of_row(const data::TaskRow& row) {
  std::string text = row.first;
  for (const std::string& word : row.words) text += (text.empty() ? "" : " ") + word;
  if (!row.second.empty()) text += " ‖ " + row.second;
  return text;
}

// Rows that the main arm is most certain of and wrong about, with what each arm says.
std::string certain_mistakes(const TaskResult& result, const OpenTask& task) {
  const auto& rows = task.data.test.rows;
  const auto& run = main_arm(result).runs.front();
  const auto sure = [&](std::size_t i) { return run[i].probabilities[run[i].label]; };
  std::vector<std::size_t> wrong;
  for (std::size_t i = 0; i < run.size(); ++i)
    if (rows[i].label >= 0 && rows[i].label != run[i].label) wrong.push_back(i);
  std::stable_sort(wrong.begin(), wrong.end(), [&](std::size_t a, std::size_t b) { return sure(a) > sure(b); });
  if (wrong.size() > kRowsShown) wrong.resize(kRowsShown);
  std::string html;
  for (const std::size_t i : wrong) {
    html += fmt::format("<article class=\"problem\"><p>{} <b>→ {}</b></p><div class=\"answers\">\n",
                        escape_html(text_of_row(rows[i])), escape_html(task.data.labels[rows[i].label]));
    for (const TaskArm& arm : result.arms) {
      const auto& p = arm.runs.front()[i];
      html += fmt::format(
          "<div><div class=\"who\"><span><span class=\"swatch {}\"></span>{}</span><span class=\"verdict {}\">{} "
          "{:.0f} %</span></div></div>\n",
          arm_colour(result, arm), escape_html(arm.title), p.label == rows[i].label ? "right" : "wrong",
          escape_html(task.data.labels[p.label]), 100 * p.probabilities[p.label]);
    }
    html += "</div></article>\n";
  }
  return html;
}

// Points of a training log: the last row of each step counts, since a resumed run writes some again.
std::vector<std::pair<double, double>> logged_points(const std::filesystem::path& log, const char* kind,
                                                     const char* key) {
  std::map<double, double> points;
  if (!std::filesystem::exists(log)) return {};
  read_jsonl(log, [&](const Json& row, int64_t) {
    if (row.value("kind", "") == kind && row.contains(key) && row.at(key).is_number())
      points[row.value("step", 0.0)] = row.at(key).get<double>();
  });
  return {points.begin(), points.end()};
}

std::string training_curves(const TaskResult& result, const OpenTask& task) {
  std::vector<Curve> losses, metrics;
  for (const TaskArm& arm : result.arms) {
    if (arm.folders.empty()) continue;
    const auto log = arm.folders.front() / "log.jsonl";
    if (auto points = logged_points(log, "step", "loss"); !points.empty())
      losses.push_back({arm.title, arm_colour(result, arm), std::move(points)});
    if (auto points = logged_points(log, "evaluation", "metric"); !points.empty())
      metrics.push_back({arm.title, arm_colour(result, arm), std::move(points)});
  }
  std::string html;
  if (!losses.empty())
    html +=
        line_chart({.title = "Training loss, log scale", .x_name = "step", .smooth = true, .log_scale = true}, losses);
  if (!metrics.empty())
    html += line_chart(
        {.title = fmt::format("{} of the dev rows", metric_title(data::chosen_metrics(task.data.description).front())),
         .x_name = "step"},
        metrics);
  return html;
}

std::string task_facts(const OpenTask& task) {
  const auto rows = [](const data::EncodedSplit& split) {
    return split.examples.empty()
               ? std::string("none")
               : fmt::format("{}, {:.1f} tokens each", split.examples.size(),
                             static_cast<double>(split.num_tokens) / static_cast<double>(split.examples.size()));
  };
  std::vector<std::pair<std::string, std::string>> list = {{"Task", task.data.description.name},
                                                           {"Training rows", rows(task.train)},
                                                           {"Dev rows", rows(task.dev)},
                                                           {"Test rows", rows(task.test)}};
  if (!task.data.labels.empty()) list.emplace_back("Labels", std::to_string(task.data.labels.size()));
  std::string html = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : list)
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(name), escape_html(value));
  return html + "</dl>\n";
}

std::string whole_file(const std::filesystem::path& path) {
  return std::filesystem::exists(path) ? read_file(path) : "";
}

}  // namespace

std::string task_report(const TaskResult& result, const std::vector<ArmFigures>& rows, const OpenTask& task,
                        const Run& run) {
  std::string body = fmt::format(
      "<header>\n<p class=\"brand\">Limbeck · {}</p>\n<h1>{} on {}</h1>\n<p class=\"lead\">{}</p>\n{}</header>\n",
      escape_html(result.method), escape_html(result.title), escape_html(task.data.description.name),
      escape_html(task_caption(result, task)), task_facts(task));
  body += html_section("The arms", "Whiskers are 95 % bootstrap intervals over the test rows.",
                       metric_charts(result, rows));
  body += html_section("The same in figures", "", html_cells(task_cells(rows)));
  if (const Cells cells = comparison_cells(rows); !cells.empty())
    body += html_section(fmt::format("{} less each other arm", main_arm(result).title),
                         "On the same rows: paired bootstrap; permutation of each row's two results; McNemar's exact "
                         "test of single runs.",
                         html_cells(cells));
  if (const std::string html = speed_charts(result, rows); !html.empty())
    body += html_section("Quality, time and size",
                         "Times are of this machine when the arm was trained, from token ids to logits; a dot's area "
                         "is the number of weights.",
                         html);
  if (is_classes(task)) {
    body += html_section(
        "Calibration",
        "Dots on the dashed line are as often right as they are confident; a dot's area is its share of the test rows.",
        calibration(result, task));
    body += html_section(fmt::format("What is taken for what: {}", main_arm(result).title),
                         "Test rows of the first run.", confusion(result, task));
    if (const std::string html = certain_mistakes(result, task); !html.empty())
      body += html_section("The most certain mistakes",
                           fmt::format("Rows that this arm is surest of and wrong about: {}.", main_arm(result).title),
                           html);
  }
  if (const std::string html = training_curves(result, task); !html.empty())
    body += html_section("Training", "Of the first run of each arm. Strong lines are running means.", html);
  std::string notes;
  for (const std::string& note : task.data.notes) notes += fmt::format("<li>{}</li>\n", escape_html(note));
  body += html_section(
      "The data",
      notes.empty() ? "No row was left out or cut, and no text is in two splits." : "What to know of the rows.",
      notes.empty() ? "" : "<ul>\n" + notes + "</ul>\n");
  if (const std::string html = time_shares_html(run.path("log.jsonl")); !html.empty())
    body += html_section("Where the time went", "Wall-clock seconds of each part, inner parts within the outer ones.",
                         html);
  body += html_section("How it was run",
                       "The same options, inputs and program version give the same weights and figures; batches are "
                       "packed, so no token is padding.",
                       html_folded("options.toml", whole_file(run.path("options.toml"))) +
                           html_folded("manifest.json", whole_file(run.path("manifest.json"))));
  body += fmt::format("<footer>Limbeck {}{}</footer>\n", LIMBECK_VERSION,
                      result.paper.empty() ? "" : " · " + escape_html(result.paper));
  return html_page(fmt::format("Limbeck: {} on {}", result.title, task.data.description.name), body);
}

void write_task_results(const TaskResult& result, const OpenTask& task, const Run& run) {
  const std::vector<ArmFigures> rows = figures_of(result, task);
  const Cells cells = task_cells(rows), comparisons = comparison_cells(rows);
  const std::string caption = task_caption(result, task);
  write_json(run.path("table.json"), task_json(result, rows, task));
  std::string markdown = cells_markdown(cells) + "\n" + caption + "\n";
  if (!comparisons.empty()) markdown += "\n" + cells_markdown(comparisons);
  for (const std::string& note : task.data.notes) markdown += "\n- " + note;
  write_file_atomically(run.path("table.md"), markdown + "\n");
  log_time(run);
  write_file_atomically(run.path("report.html"), task_report(result, rows, task, run));
  fmt::print("\n{}\n{}\n", cells_text(cells), caption);
  if (!comparisons.empty())
    fmt::print("\n{} less each other arm:\n{}", main_arm(result).title, cells_text(comparisons));
  fmt::print("report: {}\n", run.path("report.html").string());
  if (std::filesystem::exists(run.path("model"))) fmt::print("model:  {}\n", run.path("model").string());
  std::fflush(stdout);
}

void link_model(const TaskArm& arm, const Run& run) {
  if (arm.folders.empty() || std::filesystem::exists(run.path("model"))) return;
  std::error_code ignored;
  std::filesystem::remove(run.path("model"), ignored);
  std::filesystem::create_directory_symlink(std::filesystem::relative(arm.folders.front() / "model", run.folder()),
                                            run.path("model"));
}

}  // namespace limbeck::recipes
