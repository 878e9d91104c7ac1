#include "recipes/task_arm.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cmath>  // std::isnan
#include <map>

#include "base/errors.h"
#include "base/json.h"
#include "base/phases.h"
#include "evaluation/predictions.h"
#include "train/checkpoint.h"  // remove_checkpoints

namespace limbeck::recipes {
namespace {

using data::TaskKind;

// The median of the milliseconds that each of these batches takes, of each the least of several rounds: what else the
// machine does meanwhile strikes some rounds of an arm and not others, and is no property of the arm.
double median_milliseconds(models::Encoder& encoder, const std::vector<data::Batch>& batches) {
  constexpr double kMostSeconds = 2;
  constexpr int kLeastRounds = 7, kPasses = 140;  // of few batches, each goes through the model more often
  using Clock = std::chrono::steady_clock;
  const int rounds = std::max(kLeastRounds, kPasses / static_cast<int>(batches.size()));
  task_pass(encoder, batches.front());
  std::vector<double> times;
  const auto begin = Clock::now();
  const auto is_late = [&] { return std::chrono::duration<double>(Clock::now() - begin).count() > kMostSeconds; };
  for (int round = 0; round < rounds && !(round > 0 && is_late()); ++round)
    for (std::size_t b = 0; b < (round == 0 ? batches.size() : times.size()); ++b) {
      const auto start = Clock::now();
      task_pass(encoder, batches[b]);
      const double took = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
      if (round > 0)
        times[b] = std::min(times[b], took);
      else
        times.push_back(took);
      if (round == 0 && times.size() >= 3 && is_late()) break;
    }
  std::nth_element(times.begin(), times.begin() + static_cast<int64_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

std::vector<data::Batch> batches_of(const std::vector<data::Example>& examples, std::size_t size, std::size_t most) {
  std::vector<data::Batch> batches;
  for (std::size_t begin = 0; begin < examples.size() && batches.size() < most; begin += size) {
    const std::size_t end = begin + size;
    if (end > examples.size() && begin > 0) break;  // a smaller batch says nothing of a whole one
    batches.push_back(data::collate({examples.begin() + static_cast<int64_t>(begin),
                                     examples.begin() + static_cast<int64_t>(std::min(end, examples.size()))}));
  }
  return batches;
}

constexpr const char* kPredictions = "predictions.jsonl";
constexpr const char* kMeasured = "measured.json";

// The last thing that a finished run writes is measured.json.
bool is_measured(const Run& run) {
  return std::filesystem::exists(run.path(kMeasured));
}

Measured read_measured(const Run& run, const OpenTask& task) {
  const Json json = read_json(run.path(kMeasured));
  const std::string where = run.path(kMeasured).string();
  return {.predictions = evaluation::read_predictions(run.path(kPredictions), task.data, task.data.test),
          .num_parameters = field<int64_t>(json, "parameters", where),
          .num_trained = field<int64_t>(json, "trained_parameters", where),
          .speed = {field<double>(json, "milliseconds_batch_1", where),
                    field<double>(json, "milliseconds_batch_32", where)}};
}

void measure(models::Encoder& encoder, const ArmContext& context, const Run& run, int64_t num_trained) {
  const OpenTask& task = context.task;
  Measured measured{.num_parameters = num_weights(encoder), .num_trained = num_trained};
  encoder.set_precision(context.precision);
  measured.predictions = predict(encoder, task.data.description, task.data.test, task.test);
  encoder.freeze(context.precision);
  measured.speed = measure_speed(encoder, task.test);
  write_measured(run, task, measured);
}

void train_run(const ArmTraining& training, const ArmContext& context, const Run& run) {
  models::PretrainedEncoder student = training.student(run.seed());
  models::Encoder& encoder = *student.model;
  encoder.set_precision(context.precision);
  const train::Trainable parameters = training.parameters ? training.parameters(encoder) : trainable(encoder);
  int64_t num_trained = 0;
  for (const nn::NamedParameter& parameter : parameters.parameters) num_trained += parameter.tensor->numel();
  TaskHooks own(encoder, context.task, run.seed());
  const auto around = training.hooks ? training.hooks(encoder, own, run) : nullptr;
  const train::Step step = training.step ? training.step(encoder, own) : fine_tuning_step(encoder, context.task, own);
  train::fit(parameters, context.task.train.examples, step, training.train, run, around ? *around : own);
  models::save_encoder(run.path("model"), encoder, *student.tokenizer);
  measure(encoder, context, run, num_trained);
}

void add_run(TaskArm& arm, const Run& run, const OpenTask& task) {
  Measured measured = read_measured(run, task);
  arm.runs.push_back(std::move(measured.predictions));
  arm.folders.push_back(run.folder());
  if (arm.runs.size() > 1) return;
  arm.num_parameters = measured.num_parameters, arm.num_trained = measured.num_trained;
  arm.speed = measured.speed;
}

// The most frequent of these numbers, the least of equally frequent ones; 0 where there is none.
int64_t most_frequent(const std::vector<int64_t>& numbers) {
  std::map<int64_t, int64_t> counts;
  for (const int64_t number : numbers) ++counts[number];
  int64_t best = 0, most = 0;
  for (const auto& [number, count] : counts)
    if (count > most) best = number, most = count;
  return best;
}

// The share of the training rows that each of `num` labels has.
std::vector<double> label_shares(const data::TaskSplit& split, std::size_t num) {
  std::vector<double> shares(num);
  double all = 0;
  for (const data::TaskRow& row : split.rows)
    if (row.label >= 0 && row.label < static_cast<int64_t>(num)) ++shares[row.label], ++all;
  for (double& share : shares) share = all == 0 ? 1 / static_cast<double>(num) : share / all;
  return shares;
}

}  // namespace

void TuningOptions::describe(Fields& f) {
  data.describe(f);
  f("seeds", seeds, "runs of each arm, each with a seed of its own; figures are means over them", at_least(1));
  f("resamples", resamples, "bootstrap resamples of the rows behind each interval", at_least(1));
  f("warmup", warmup, "share of the steps in which the learning rate rises, where train.warmup_steps is 0",
    within(0, 1));
  f.group("train", train);
}

std::optional<std::string> mistake_in_arms(const std::vector<std::string>& arms,
                                           const std::vector<std::string>& known) {
  if (arms.empty()) return fmt::format("arms: expected at least one of {} but received none", fmt::join(known, ", "));
  for (auto arm = arms.begin(); arm != arms.end(); ++arm) {
    if (std::find(arms.begin(), arm, *arm) != arm) return fmt::format("arms: '{}' stands there twice", *arm);
    if (std::find(known.begin(), known.end(), *arm) != known.end()) continue;
    const std::string nearest = nearest_name(*arm, known);
    return fmt::format("arms: expected some of {} but received '{}'{}", fmt::join(known, ", "), *arm,
                       nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest));
  }
  return std::nullopt;
}

void write_measured(const Run& run, const OpenTask& task, const Measured& measured) {
  evaluation::write_predictions(run.path(kPredictions), task.data, task.data.test, measured.predictions);
  write_json(run.path(kMeasured), {{"parameters", measured.num_parameters},
                                   {"trained_parameters", measured.num_trained},
                                   {"milliseconds_batch_1", measured.speed.one},
                                   {"milliseconds_batch_32", measured.speed.thirty_two}});
}

TaskArm make_arm(const std::string& name, const std::string& title, int64_t first_seed, const ArmContext& context,
                 const Run& arms, const std::function<void(const Run& run)>& make) {
  const Phase phase("train an arm", "recipe");
  TaskArm arm{.name = name, .title = title};
  for (int64_t s = 0; s < context.num_seeds; ++s) {
    const std::string of_seed = context.num_seeds == 1 ? name : fmt::format("{}-{}", name, s + 1);
    const Run run = arms.child(of_seed, arms.seed().derive(static_cast<uint64_t>(first_seed + s)));
    if (!is_measured(run)) {
      in_context("arm " + of_seed, [&] { make(run); });
      train::remove_checkpoints(run.folder());
    }
    add_run(arm, run, context.task);
  }
  return arm;
}

TaskArm train_arm(const ArmTraining& training, const ArmContext& context, const Run& arms) {
  return make_arm(training.name, training.title, training.first_seed, context, arms,
                  [&](const Run& run) { train_run(training, context, run); });
}

TaskArm measure_arm(const std::string& name, const std::string& title, models::Encoder& encoder,
                    const ArmContext& context, const Run& run) {
  if (!is_measured(run)) measure(encoder, context, run, 0);
  TaskArm arm{.name = name, .title = title};
  add_run(arm, run, context.task);
  return arm;
}

TaskArm majority_arm(const OpenTask& task) {
  const TaskKind kind = task.data.description.kind;
  TaskArm arm{.name = "majority", .title = "the most frequent label"};
  if (kind == TaskKind::kScore) arm.title = "the mean score";
  if (kind == TaskKind::kSpan) arm.title = "no answer";
  const auto& train = task.data.train.rows;
  std::vector<int64_t> tags;
  double score = 0, num_scores = 0;
  for (const data::TaskRow& row : train) {
    tags.insert(tags.end(), row.tags.begin(), row.tags.end());
    if (kind == TaskKind::kScore && !std::isnan(row.score)) score += row.score, ++num_scores;
  }
  evaluation::Predictions predictions;
  for (const data::TaskRow& row : task.data.test.rows) {
    evaluation::RowPrediction prediction;
    if (kind == TaskKind::kClasses || kind == TaskKind::kChoice) {
      prediction.probabilities =
          label_shares(task.data.train, kind == TaskKind::kClasses ? task.data.labels.size() : row.choices.size());
      prediction.label = std::max_element(prediction.probabilities.begin(), prediction.probabilities.end()) -
                         prediction.probabilities.begin();
    }
    if (kind == TaskKind::kScore) prediction.score = num_scores == 0 ? 0 : score / num_scores;
    if (kind == TaskKind::kTags) prediction.tags.assign(row.words.size(), most_frequent(tags));
    predictions.push_back(std::move(prediction));
  }
  arm.runs.push_back(std::move(predictions));
  return arm;
}

ArmSpeed measure_speed(models::Encoder& encoder, const data::EncodedSplit& split) {
  const Phase phase("measure speed", "evaluation");
  const at::NoGradGuard no_grad;
  const auto singles = batches_of(split.examples, 1, 200), batches = batches_of(split.examples, 32, 20);
  if (singles.empty()) return {};
  const auto in_batch = static_cast<double>(batches.front().indices.size());
  return {.one = median_milliseconds(encoder, singles), .thirty_two = median_milliseconds(encoder, batches) / in_batch};
}

int64_t num_weights(models::Encoder& encoder) {
  nn::Parameters parameters;
  encoder.parameters(parameters);
  int64_t count = 0;
  for (const nn::NamedParameter& parameter : parameters.list()) count += parameter.tensor->numel();
  return count;
}

}  // namespace limbeck::recipes
