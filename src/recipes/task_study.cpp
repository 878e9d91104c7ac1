#include "recipes/task_study.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "base/errors.h"
#include "base/files.h"
#include "evaluation/bootstrap.h"
#include "evaluation/predictions.h"
#include "evaluation/significance.h"
#include "recipes/cells.h"

namespace limbeck::recipes {
namespace {

namespace fs = std::filesystem;

double mean_of_runs(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_error(const std::vector<double>& values) {  // of the mean; 0 of a single one
  if (values.size() < 2) return 0;
  const double mean = mean_of_runs(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const auto n = static_cast<double>(values.size());
  return std::sqrt(squares / (n - 1) / n);
}

double in_per_cent(const std::string& metric, double value) {
  return evaluation::is_share(metric) ? 100 * value : value;
}

std::string interval_text(const std::string& metric, const evaluation::Interval& interval) {
  return fmt::format("{:.2f} ({:.2f} to {:.2f})", in_per_cent(metric, interval.value),
                     in_per_cent(metric, interval.low), in_per_cent(metric, interval.high));
}

std::string difference_text(const std::string& metric, const evaluation::Interval& interval) {
  return fmt::format("{:+.2f} ({:+.2f} to {:+.2f})", in_per_cent(metric, interval.value),
                     in_per_cent(metric, interval.low), in_per_cent(metric, interval.high));
}

// p of a difference between runs with the same random numbers: the share of exchanges within pairs that give as much.
double p_over_runs(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() < 2 || a.size() != b.size() ? 1 : evaluation::permutation_p(a, b, Seed(1));
}

}  // namespace

void StudyOptions::describe(Fields& f) {
  task.describe(f);
  f("runs", runs, "how often each arm is trained, each time from other random numbers", at_least(1));
  f("seed", seed, "of everything that is drawn", at_least(0));
  f("precision", precision, "of the matrix products", precision_choices());
  f("resamples", resamples, "of the bootstrap that intervals are from", at_least(100));
  f.group("train", train);
}

std::vector<fs::path> StudyOptions::inputs(const std::vector<std::string>& models) const {
  std::vector<fs::path> files = data::inputs_of(task.source);
  for (const std::string& folder : models)
    if (!folder.empty())
      for (const char* name : {"config.json", "model.safetensors"}) files.push_back(fs::path(folder) / name);
  return files;
}

std::optional<std::string> mistake_in_arm_names(const std::vector<std::string>& arms,
                                                const std::vector<std::string>& known) {
  for (const std::string& arm : arms) {
    if (has_arm(known, arm)) continue;
    const std::string nearest = nearest_name(arm, known);
    return fmt::format("arms: expected some of {} but received '{}'{}", fmt::join(known, ", "), arm,
                       nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
  }
  if (arms.empty()) return fmt::format("arms: expected some of {} but received none", fmt::join(known, ", "));
  return std::nullopt;
}

bool has_arm(const std::vector<std::string>& arms, const std::string& name) {
  return std::find(arms.begin(), arms.end(), name) != arms.end();
}

Study::Study(const StudyOptions& options, const std::string& folder, const Run& run) : options_(options), run_(run) {
  const models::LoadedEncoder source = models::load_encoder(folder);
  tokenizer_ = source.tokenizer;
  task_ = open_task(options.task, *tokenizer_, source.model->config(), run.seed(), source.model->head().labels);
  if (task_.test.examples.empty())
    user_fail(task_.data.description.name, "expected test rows, which arms are measured on, but there are none");
}

Seed Study::seed_of(int64_t run) const {
  return run_.seed().derive("run").derive(static_cast<uint64_t>(run));
}

Run Study::folder(int64_t run, const std::string& name) const {
  return run_.child(fmt::format("run-{}", run + 1)).child(name);
}

models::LoadedEncoder Study::open(const std::string& folder, Seed seed) const {
  models::LoadedEncoder source = models::load_encoder(folder, head_of(task_.data), seed.derive("head"));
  source.model->set_precision(options_.precision);
  return source;
}

void Study::fit(models::Encoder& encoder, const Run& run, Seed seed, const train::Options& train,
                const MakeStep& step) const {
  TaskHooks hooks(encoder, task_, seed);
  fit(encoder, run, train, hooks, step);
}

void Study::fit(models::Encoder& encoder, const Run& run, const train::Options& train, TaskHooks& hooks,
                const MakeStep& step) const {
  encoder.set_precision(options_.precision);
  train::fit(trainable(encoder), task_.train.examples,
             step ? step(encoder, hooks) : fine_tuning_step(encoder, task_, hooks), train, run, hooks);
}

std::shared_ptr<models::Encoder> Study::teacher(const std::string& folder, const train::Options& train) const {
  const Run run = run_.child("teacher");
  const models::LoadedEncoder source = open(folder, run.seed());
  if (source.fresh_head) fit(*source.model, run, run.seed(), train);
  return source.model;
}

StudyArm& Study::arm_of(const std::string& name, const std::string& title) {
  const auto found = std::find_if(arms_.begin(), arms_.end(), [&](const auto& arm) { return arm.name == name; });
  if (found != arms_.end()) return *found;
  return arms_.emplace_back(StudyArm{.name = name, .title = title});
}

bool Study::is_measured(const Run& run, const std::string& name) {
  return fs::exists(run.path(name + ".json"));  // written last
}

void Study::add(const Run& run, const std::string& name, const std::string& title) {
  StudyArm& arm = arm_of(name, title);
  const std::string facts = run.path(name + ".json").string();
  const Json json = read_json(facts);
  arm.runs.push_back(evaluation::read_predictions(run.path(name + ".jsonl"), task_.data, task_.data.test));
  arm.parameters = field<int64_t>(json, "parameters", facts);
  arm.dev.push_back(field<double>(json, "dev", facts));
  arm.milliseconds += field<double>(json, "milliseconds", facts);
  const std::string metric = data::chosen_metrics(task_.data.description).front();
  fmt::print("{} {}: {} {:.2f}\n", title, arm.runs.size(), metric,
             in_per_cent(metric, evaluation::task_metric(metric, task_.data, task_.data.test, arm.runs.back())));
  std::fflush(stdout);
}

void Study::measure(models::Encoder& encoder, const Run& run, const std::string& name) const {
  const auto start = std::chrono::steady_clock::now();
  const auto predictions = predict(encoder, task_.data.description, task_.data.test, task_.test);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  evaluation::write_predictions(run.path(name + ".jsonl"), task_.data, task_.data.test, predictions);
  write_json(run.path(name + ".json"),
             {{"parameters", num_parameters(encoder)},
              {"dev", dev_metric(encoder)},
              {"milliseconds", took.count() / static_cast<double>(task_.data.test.rows.size())}});
}

double Study::dev_metric(models::Encoder& encoder) const {
  const bool dev = !task_.dev.examples.empty();
  const data::TaskSplit& rows = dev ? task_.data.dev : task_.data.test;
  const std::string metric = data::chosen_metrics(task_.data.description).front();
  const double value = evaluation::task_metric(
      metric, task_.data, rows, predict(encoder, task_.data.description, rows, dev ? task_.dev : task_.test));
  return evaluation::larger_is_better(metric) ? value : -value;
}

void Study::write(const std::string& title, const std::string& reference, const std::string& more,
                  const Json& facts) const {
  const evaluation::BootstrapOptions bootstrap{.resamples = options_.resamples, .seed = run_.seed().derive("figures")};
  const auto figures_of = [&](const StudyArm& arm) {
    return evaluation::task_figures(task_.data, task_.data.test, arm.runs, bootstrap);
  };
  const auto against = std::find_if(arms_.begin(), arms_.end(), [&](const auto& arm) { return arm.name == reference; });
  Cells cells;
  Json rows = Json::array();
  for (const StudyArm& arm : arms_) {
    const auto figures = figures_of(arm);
    if (cells.empty()) {
      cells.push_back({"arm", "parameters", "runs"});
      for (const auto& figure : figures) cells[0].push_back(figure.name + " (95 % interval)");
      for (const char* name : {"± over runs", "less the reference (95 % interval)", "p, rows", "p, runs"})
        cells[0].emplace_back(name);
    }
    std::vector<std::string> cell = {arm.title, fmt::format("{:.1f} M", static_cast<double>(arm.parameters) / 1e6),
                                     std::to_string(arm.runs.size())};
    Json row = {{"arm", arm.name},
                {"title", arm.title},
                {"parameters", arm.parameters},
                {"milliseconds_a_text", arm.milliseconds / static_cast<double>(arm.runs.size())}};
    for (const auto& figure : figures) {
      cell.push_back(interval_text(figure.name, figure.interval));
      row["figures"][figure.name] = {{"value", figure.interval.value},
                                     {"low", figure.interval.low},
                                     {"high", figure.interval.high},
                                     {"runs", figure.runs}};
    }
    const auto& first = figures.front();
    cell.push_back(fmt::format("{:.2f}", in_per_cent(first.name, standard_error(first.runs))));
    if (against != arms_.end() && against->name != arm.name) {
      const auto compared =
          evaluation::compare_tasks(task_.data, task_.data.test, arm.runs, against->runs, bootstrap).front();
      const double over_runs = p_over_runs(first.runs, figures_of(*against).front().runs);
      cell.push_back(difference_text(first.name, compared.comparison.difference));
      cell.push_back(fmt::format("{:.3f}", compared.comparison.p_value));
      cell.push_back(fmt::format("{:.3f}", over_runs));
      row["less_reference"] = {{"metric", first.name},
                               {"value", compared.comparison.difference.value},
                               {"low", compared.comparison.difference.low},
                               {"high", compared.comparison.difference.high},
                               {"p_rows", compared.comparison.p_value},
                               {"p_runs", over_runs}};
    } else {
      cell.insert(cell.end(), {"", "", ""});
    }
    cells.push_back(std::move(cell));
    rows.push_back(std::move(row));
  }
  const std::string basis = fmt::format(
      "{}: {} test rows, {} runs. Intervals: bootstrap over rows, runs together. The reference is {}. p, rows: paired "
      "bootstrap over rows; p, runs: exchanges between the two of each run.",
      task_.data.description.name, task_.data.test.rows.size(), options_.runs,
      against == arms_.end() ? "not among the arms" : against->title);
  write_file_atomically(run_.path("table.md"),
                        fmt::format("# {}\n\n{}\n{}\n{}", title, cells_markdown(cells), basis + "\n", more));
  write_json(run_.path("table.json"), {{"title", title},
                                       {"task", task_.data.description.name},
                                       {"test_rows", task_.data.test.rows.size()},
                                       {"reference", reference},
                                       {"arms", rows},
                                       {"facts", facts}});
  fmt::print("\n{}\n{}\n{}", cells_text(cells), basis, more);
  std::fflush(stdout);
}

void forget_checkpoints(const Run& run) {
  for (const auto& entry : fs::directory_iterator(run.folder()))
    if (entry.path().filename().string().starts_with("checkpoint-")) fs::remove_all(entry.path());
}

int64_t num_parameters(models::Encoder& encoder) {
  nn::Parameters parameters;
  encoder.parameters(parameters);
  int64_t count = 0;
  for (const auto& p : parameters.list()) count += p.tensor->numel();
  return count;
}

}  // namespace limbeck::recipes
