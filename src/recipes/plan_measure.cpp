#include "recipes/plan_measure.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

#include "base/interrupt.h"
#include "base/seeds.h"
#include "data/batch.h"
#include "generate/generate.h"
#include "models/language_model.h"
#include "recipes/sft.h"
#include "train/accumulate.h"

namespace limbeck::recipes {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Ids at random: what they are does not change the speed.
std::vector<int32_t> random_ids(int64_t count, int64_t vocab_size, uint64_t seed) {
  Random random{Seed(seed)};
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab_size))));
  return ids;
}

// In /proc/self/status: resident memory now, and at its peak since the last reset.
int64_t memory_line(const std::string& wanted) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(wanted)) return std::stoll(line.substr(wanted.size())) * 1024;
  return 0;
}

void measure_sampling(const models::Pretrained& source, const PlanFacts& facts, PlanSpeeds& speeds) {
  constexpr int64_t kNewTokens = 16;
  const auto& config = source.model->config();
  const int64_t length = std::clamp<int64_t>(facts.prompt_tokens > 0 ? facts.prompt_tokens : 128, 1,
                                             config.max_position_embeddings - 2 * kNewTokens);
  models::Pretrained endless = source;
  endless.eos_ids.clear();
  generate::Prompt prompt{.ids = random_ids(length, config.vocab_size, 1), .num_samples = 1, .seed = Seed(1)};
  const generate::BatchOptions batch{.max_batch = facts.max_batch, .precision = facts.precision};
  const auto sample = [&](int64_t num_samples, int64_t num_tokens) {
    prompt.num_samples = num_samples;
    return seconds_of([&] {
      generate::generate(endless, {&prompt, 1}, {.max_new_tokens = num_tokens}, batch, [](auto) {});
    });
  };
  sample(1, 1);  // pages of memory and threads are there
  speeds.read = static_cast<double>(length) / sample(1, 1);
  const double first = sample(facts.max_batch, 1), all = sample(facts.max_batch, 1 + kNewTokens);
  speeds.drawn = static_cast<double>(facts.max_batch * kNewTokens) / std::max(1e-6, all - first);
}

void measure_training(models::LanguageModel& student, const PlanFacts& facts, PlanSpeeds& speeds) {
  const auto& config = student.config();
  const int64_t length =
      std::clamp<int64_t>(facts.pair_tokens > 0 ? facts.pair_tokens : 128, 2, config.max_position_embeddings);
  std::vector<data::Example> examples;
  int64_t num_tokens = 0;
  while (num_tokens + length <= std::max(length, facts.micro_batch_tokens)) {
    examples.push_back({.ids = random_ids(length, config.vocab_size, static_cast<uint64_t>(num_tokens)),
                        .weights = std::vector<float>(static_cast<std::size_t>(length), 1.0F)});
    num_tokens += length;
  }
  const auto step = sft_step(student, facts.precision);
  std::vector<int64_t> all;
  for (std::size_t i = 0; i < examples.size(); ++i) all.push_back(static_cast<int64_t>(i));
  const auto pass = [&] {
    return seconds_of([&] { train::accumulate_gradients(examples, all, facts.micro_batch_tokens, step); });
  };
  const PeakMemory peak;
  pass();
  // Gradients are counted with the optimiser's state.
  speeds.training_bytes = std::max<int64_t>(0, peak.bytes() - 4 * facts.student.num_parameters);
  speeds.trained = static_cast<double>(num_tokens) / pass();
}

}  // namespace

PeakMemory::PeakMemory() : before_(memory_line("VmRSS:")) {
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
}

int64_t PeakMemory::bytes() const {
  return memory_line("VmHWM:") - before_;
}

PlanSpeeds measure_speeds(const PlanFacts& facts) {
  PlanSpeeds speeds;
  models::Pretrained student = models::load_pretrained(facts.student.path);
  throw_if_interrupted("nothing was begun");
  if (facts.student.num_layers < student.model->config().num_hidden_layers)
    student.model = models::slice_layers(
        *student.model,
        models::evenly_spaced_layers(student.model->config().num_hidden_layers, facts.student.num_layers));
  if (facts.num_trained_arms() > 0) measure_training(*student.model, facts, speeds);
  throw_if_interrupted("nothing was begun");
  models::Pretrained source =
      facts.teacher.path.empty() ? std::move(student) : models::load_pretrained(facts.teacher.path);
  source.model->freeze(facts.precision);
  measure_sampling(source, facts, speeds);
  return speeds;
}

}  // namespace limbeck::recipes
