#include "cli/eval_task.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/errors.h"
#include "base/fields.h"
#include "base/files.h"
#include "base/json.h"
#include "evaluation/predictions.h"
#include "evaluation/task_figures.h"
#include "models/encoder.h"
#include "recipes/cells.h"
#include "recipes/ekt_table.h"  // p_value_text
#include "recipes/task_arm.h"
#include "recipes/task_table.h"
#include "recipes/task_training.h"
#include "tensor/device.h"

namespace limbeck::cli {
namespace {

enum class Rows { kTest, kDev, kTrain };

struct EvalTaskOptions {
  std::string model, out, compare;
  recipes::TaskDataOptions data;
  Rows rows = Rows::kTest;
  Precision precision = Precision::kFp32;
  int64_t threads = 0, resamples = 2000;
  bool speed = false;
  void describe(Fields& f) {
    f("model", model, "Hugging Face folder of an encoder with the task's head", Names::kRequiredFolder);
    data.describe(f);
    f("rows", rows, "which rows are measured", {{"test", Rows::kTest}, {"dev", Rows::kDev}, {"train", Rows::kTrain}});
    f("compare", compare,
      "predictions of the same rows by another model (predictions.jsonl), tested against this one's", Names::kFile);
    f("out", out, "folder for eval.json and predictions.jsonl");
    f("precision", precision, "of the products", {{"fp32", Precision::kFp32}, {"bf16", Precision::kBf16}});
    f("resamples", resamples, "bootstrap resamples of the rows behind each interval", at_least(1));
    f("speed", speed, "measure the time of a row too, alone and among 32");
    f("threads", threads, "processor threads; 0: one per core", at_least(0));
  }
};

void print_comparisons(const std::vector<evaluation::TaskComparison>& comparisons, Json& json) {
  recipes::Cells cells = {{"less the other", "difference", "p, bootstrap", "p, permutation", "p, McNemar"}};
  const auto p_text = [](const std::optional<double>& p) { return p ? recipes::p_value_text(*p) : std::string("-"); };
  for (const auto& c : comparisons) {
    const auto& d = c.comparison.difference;
    const double scale = evaluation::is_share(c.metric) ? 100 : 1;
    cells.push_back({recipes::metric_title(c.metric),
                     fmt::format("{:+.2f} ({:+.2f} to {:+.2f})", scale * d.value, scale * d.low, scale * d.high),
                     recipes::p_value_text(c.comparison.p_value), p_text(c.permutation), p_text(c.mcnemar)});
    json[c.metric] = {{"value", d.value}, {"low", d.low}, {"high", d.high}, {"p_bootstrap", c.comparison.p_value}};
    if (c.permutation) json[c.metric]["p_permutation"] = *c.permutation;
    if (c.mcnemar) json[c.metric]["p_mcnemar"] = *c.mcnemar;
  }
  fmt::print("\n{}", recipes::cells_text(cells));
}

// The head says what kind of task it is of; one of another kind would give figures of nothing.
void expect_head_of(const models::Head& head, const data::Task& task, const std::string& model) {
  const models::Head wanted = recipes::head_of(task);
  if (head.kind != wanted.kind || head.outputs != wanted.outputs)
    user_fail(model, "expected a model with a head for the task {} ({} outputs) but it has another ({} outputs)",
              task.description.name, wanted.outputs, head.outputs);
}

}  // namespace

bool names_encoder(const Args& args) {
  for (const std::string& arg : args)
    if (arg.starts_with("--model=") && std::filesystem::is_directory(arg.substr(8)))
      return models::is_encoder(arg.substr(8));
  return false;
}

std::string eval_task_help(bool markdown) {
  EvalTaskOptions options;
  const Fields fields = fields_of(options);
  return markdown ? to_markdown(fields) : to_help(fields);
}

int eval_task(const Args& args) {
  EvalTaskOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.threads > 0) at::set_num_threads(static_cast<int>(options.threads));
  const auto loaded = models::load_encoder(options.model);
  models::Encoder& encoder = *loaded.model;
  const recipes::OpenTask task =
      recipes::open_task(options.data, *loaded.tokenizer, encoder.config(), Seed(1), encoder.head().labels);
  expect_head_of(encoder.head(), task.data, options.model);
  const data::TaskSplit& rows = options.rows == Rows::kTest  ? task.data.test
                                : options.rows == Rows::kDev ? task.data.dev
                                                             : task.data.train;
  const data::EncodedSplit& split = options.rows == Rows::kTest  ? task.test
                                    : options.rows == Rows::kDev ? task.dev
                                                                 : task.train;
  if (rows.rows.empty()) user_fail(task.data.description.name, "expected {} rows but there are none", split.name);
  const int64_t num_weights = recipes::num_weights(encoder);
  encoder.freeze(options.precision);
  const std::vector<evaluation::Predictions> runs = {recipes::predict(encoder, task.data.description, rows, split)};
  const evaluation::BootstrapOptions bootstrap{.resamples = options.resamples};
  const auto figures = evaluation::task_figures(task.data, rows, runs, bootstrap);

  Json details = {{"model", options.model},
                  {"task", task.data.description.name},
                  {"rows", rows.rows.size()},
                  {"parameters", num_weights},
                  {"notes", task.data.notes}};
  recipes::Cells cells = {{"figure", "value (95 % interval)"}};
  for (const auto& figure : figures) {
    cells.push_back({recipes::metric_title(figure.name), recipes::figure_text(figure.name, figure.interval)});
    details["figures"][figure.name] = {
        {"value", figure.interval.value}, {"low", figure.interval.low}, {"high", figure.interval.high}};
  }
  fmt::print("\n{} rows of {}\n{}", rows.rows.size(), task.data.description.name, recipes::cells_text(cells));
  if (!options.compare.empty()) {
    const std::vector<evaluation::Predictions> others = {
        evaluation::read_predictions(options.compare, task.data, rows)};
    print_comparisons(evaluation::compare_tasks(task.data, rows, runs, others, bootstrap), details["less_the_other"]);
  }
  if (options.speed) {
    const recipes::ArmSpeed speed = recipes::measure_speed(encoder, split);
    fmt::print("\n{:.2f} ms a row alone, {:.2f} ms among 32, from token ids to logits\n", speed.one, speed.thirty_two);
    details["milliseconds_batch_1"] = speed.one, details["milliseconds_batch_32"] = speed.thirty_two;
  }
  std::fflush(stdout);
  if (options.out.empty()) return 0;
  const std::filesystem::path folder = options.out;
  std::filesystem::create_directories(folder);
  evaluation::write_predictions(folder / "predictions.jsonl", task.data, rows, runs.front());
  write_json(folder / "eval.json", details);
  return 0;
}

}  // namespace limbeck::cli
