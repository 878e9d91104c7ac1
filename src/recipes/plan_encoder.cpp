#include "recipes/plan_encoder.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <cmath>  // std::ceil
#include <string>

#include "base/interrupt.h"
#include "recipes/plan_measure.h"  // PeakMemory
#include "tensor/product.h"
#include "train/accumulate.h"
#include "train/averaging.h"
#include "train/schedule.h"

namespace limbeck::recipes {
namespace {

// Of the measurement of an arm's latency: recipes/task_arm.h takes at most two seconds for each of two batch sizes.
constexpr double kLatencySeconds = 4;

// Of the products that a token goes through: what its time goes by.
double product_weights(const models::EncoderConfig& config, const PlannedWork& work) {
  const auto width = static_cast<double>(config.hidden_size);
  return static_cast<double>(config.num_hidden_layers) *
             (4 * width * width + 2 * width * static_cast<double>(config.intermediate_size)) +
         work.vocabulary_share * static_cast<double>(config.embedding_size) * static_cast<double>(config.vocab_size);
}

int64_t weights_of(const models::EncoderConfig& config, const models::Head& head) {
  return num_weights(*models::make_encoder(config, head));  // no memory is touched
}

struct Amounts {
  int64_t steps = 0;
  double learned = 0, read = 0, taught = 0;  // tokens of all runs: forward and back; forward alone; by the teacher
};

Amounts amounts_of(const PlannedTraining& training) {
  const PlannedWork& work = *training.work;
  const double times = 1 + training.variants;
  const auto num_examples = static_cast<double>(work.examples.size()) * times;
  const train::Length length = train::length_of(static_cast<int64_t>(num_examples), training.train);
  const double epochs =
      static_cast<double>(length.steps) / static_cast<double>(std::max<int64_t>(1, length.steps_per_epoch));
  const double tokens = static_cast<double>(work.num_tokens) * times;
  const double evaluations = training.train.evaluate_every > 0 ? static_cast<double>(length.steps) /
                                                                     static_cast<double>(training.train.evaluate_every)
                                                               : std::ceil(epochs);
  const auto runs = static_cast<double>(training.runs);
  return {.steps = length.steps,
          .learned = runs * epochs * tokens * training.passes,
          .read = runs * (evaluations * static_cast<double>(work.held_out_tokens) +
                          static_cast<double>(work.test_tokens) * (1.0 + static_cast<double>(training.means))),
          .taught = training.teacher ? runs * training.teacher_epochs.value_or(epochs) * tokens : 0};
}

const EncoderSpeed* speed_of(const std::vector<EncoderSpeed>& speeds, const PlannedTraining& training) {
  for (const EncoderSpeed& speed : speeds)
    if (speed.work == training.work.get()) return &speed;
  return nullptr;
}

double planned_seconds(const PlannedTraining& training, const Amounts& amounts, const EncoderSpeed& speed) {
  const double larger = product_weights(training.config, *training.work) / speed.product_weights;
  const double forward = larger / speed.read, learning = training.head_alone ? forward : larger / speed.trained;
  double seconds = amounts.learned * learning + amounts.read * forward;
  if (training.work->test_tokens > 0)
    seconds += kLatencySeconds * static_cast<double>(training.runs * (1 + training.means));
  if (training.teacher)
    seconds += amounts.taught * product_weights(*training.teacher, *training.work) / speed.product_weights / speed.read;
  return seconds;
}

double wall_seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The first examples that fill a micro-batch.
std::vector<data::Example> first_examples(const PlannedTraining& training) {
  std::vector<data::Example> some;
  int64_t num_tokens = 0;
  for (const data::Example& example : training.work->examples) {
    num_tokens += static_cast<int64_t>(example.ids.size());
    if (!some.empty() && num_tokens > training.train.micro_batch_tokens) break;
    if (static_cast<int64_t>(some.size()) == training.train.batch_size) break;
    some.push_back(example);
  }
  return some;
}

EncoderSpeed measured_speed(const PlannedTraining& training) {
  const PlannedWork& work = *training.work;
  EncoderSpeed speed{.work = &work, .product_weights = product_weights(training.config, *training.work)};
  const auto encoder = models::make_encoder(training.config, work.head, Seed(1));
  const train::Step step = work.step(*encoder);
  const std::vector<data::Example> examples = first_examples(training);
  std::vector<int64_t> all(examples.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  double num_tokens = 0;
  for (const auto& example : examples) num_tokens += static_cast<double>(example.ids.size());
  const auto learn = [&] {
    return wall_seconds([&] { train::accumulate_gradients(examples, all, training.train.micro_batch_tokens, step); });
  };
  const auto read = [&] {
    const at::NoGradGuard no_grad;
    const data::Batch batch = data::collate(examples);
    return wall_seconds([&] { step(batch); });
  };
  const PeakMemory peak;
  learn();
  speed.activation_bytes = std::max<int64_t>(0, peak.bytes() - 4 * num_weights(*encoder));  // less the gradients
  throw_if_interrupted("nothing was begun");
  speed.trained = num_tokens / std::min(learn(), learn());
  read();
  speed.read = num_tokens / std::min(read(), read());
  return speed;
}

}  // namespace

std::vector<EncoderSpeed> measure_speeds(const EncoderPlan& plan) {
  std::vector<const PlannedTraining*> largest;  // of each work
  for (const PlannedTraining& training : plan.trainings) {
    const auto there = std::find_if(largest.begin(), largest.end(),
                                    [&](const PlannedTraining* other) { return other->work == training.work; });
    if (there == largest.end())
      largest.push_back(&training);
    else if (product_weights((*there)->config, *training.work) < product_weights(training.config, *training.work))
      *there = &training;
  }
  std::vector<EncoderSpeed> speeds;
  for (const PlannedTraining* training : largest) speeds.push_back(measured_speed(*training));
  return speeds;
}

int64_t training_bytes(const PlannedTraining& training, Precision precision, int64_t activation_bytes) {
  const int64_t all = weights_of(training.config, training.work->head);
  const int64_t trained = training.head_alone ? all - weights_of(training.config, {}) : all;
  // fp32 masters; of what is trained the gradient, two running means and the means of the weights.
  const int64_t means = training.means + train::num_kept(training.train.averaging);
  int64_t bytes = 4 * all + 4 * (3 + means) * trained + activation_bytes;
  if (precision == Precision::kBf16 && !products_read_wide_weights()) bytes += 2 * all;
  // A teacher is there as it was read and as it is frozen.
  if (training.teacher) bytes += (precision == Precision::kBf16 ? 6 : 8) * weights_of(*training.teacher, {});
  return bytes;
}

Plan plan_of(const EncoderPlan& plan, const PlanMachine& machine, const std::vector<EncoderSpeed>& speeds) {
  Plan result;
  const auto line = [&](std::string what, std::string amount) {
    result.lines.emplace_back(std::move(what), std::move(amount));
  };
  double learned = 0, read = 0, taught = 0, seconds = 0;
  int64_t runs = 0, kept = 0, checkpoints = 0, memory = 0, micro_batch = 0;
  bool measured = !plan.trainings.empty();
  std::string largest;
  for (const PlannedTraining& training : plan.trainings) {
    const Amounts amounts = amounts_of(training);
    const int64_t weights = weights_of(training.config, training.work->head);
    line(training.name,
         fmt::format("{} run{} of {} steps, {} parameters{}{}", training.runs, training.runs == 1 ? "" : "s",
                     amounts.steps, count_text(static_cast<double>(weights)),
                     training.head_alone ? ", the head alone learns" : "",
                     training.means == 0   ? ""
                     : training.means == 1 ? ", a mean"
                                           : fmt::format(", {} means", training.means)));
    learned += amounts.learned, read += amounts.read, taught += amounts.taught;
    runs += training.runs;
    kept += 4 * weights * training.runs * (1 + training.means);
    checkpoints = std::max(checkpoints, 4 * weights * (3 * training.train.keep_checkpoints + 1 + training.means));
    const EncoderSpeed* speed = speed_of(speeds, training);
    measured = measured && speed != nullptr;
    const int64_t bytes = training_bytes(training, plan.precision, speed == nullptr ? 0 : speed->activation_bytes);
    if (bytes > memory) memory = bytes, largest = training.name, micro_batch = training.train.micro_batch_tokens;
    if (speed != nullptr) seconds += planned_seconds(training, amounts, *speed);
  }
  line("training reads", fmt::format("{} tokens, of {} runs together", count_text(learned), runs));
  if (taught > 0) line("teacher reads", fmt::format("{} tokens", count_text(taught)));
  line("evaluation reads", fmt::format("{} tokens", count_text(read)));
  line("memory", fmt::format("{}{} (of {})", bytes_text(memory),
                             measured ? "" : " and activations, which were not measured", largest));
  line("memory, free", bytes_text(machine.free_memory));
  line("disk", fmt::format("{}, at most; {} are free", bytes_text(kept + checkpoints), bytes_text(machine.free_disk)));
  if (measured) {
    std::string rates;
    for (const EncoderSpeed& speed : speeds)
      rates +=
          fmt::format("{}{:.0f} tokens/s trained, {:.0f} read", rates.empty() ? "" : "; ", speed.trained, speed.read);
    line("speeds measured", rates);
    line("time", fmt::format("about {}", seconds_text(seconds)));
  }
  if (memory > machine.free_memory)
    result.obstacles.push_back(fmt::format(
        "the training {} needs {} of memory and {} are free: lower train.micro_batch_tokens ({}), or take a "
        "smaller encoder",
        largest, bytes_text(memory), bytes_text(machine.free_memory), micro_batch));
  if (kept + checkpoints > machine.free_disk)
    result.obstacles.push_back(fmt::format(
        "the run's folder grows to {} and {} are free: lower seeds, measure fewer arms, or name another --out",
        bytes_text(kept + checkpoints), bytes_text(machine.free_disk)));
  return result;
}

}  // namespace limbeck::recipes
