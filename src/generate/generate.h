// Batched sampling from a language model. The prompt is computed once for all its samples and its keys and values are
// kept once; a finished sequence leaves the batch and the next one enters. The same seed gives the same samples
// whatever the batch.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/seeds.h"
#include "models/language_model.h"

namespace limbeck::generate {

struct SamplingOptions {
  int64_t max_new_tokens = 128;
  double temperature = 1;  // 0: greedy
  int64_t top_k = 0;       // 0: off
  double top_p = 1, min_p = 0, repetition_penalty = 1;
  std::vector<std::string> stop;  // a text ends before the first of these
  void describe(Fields& f);
};

struct Prompt {
  std::vector<int32_t> ids;
  int64_t num_samples = 1;
  int64_t first_sample = 0;  // index of the first sample: samples 4..7 of a prompt equal those of a run that made 0..7
  Seed seed{};               // sample i uses seed.derive(i)
};

enum class Finish { kEndOfText, kStop, kLength };
struct Sample {
  int64_t prompt_index = 0, sample_index = 0;
  std::vector<int32_t> ids;  // without the end-of-text token
  std::string text;          // cut at the stop string
  Finish finish = Finish::kLength;
  double log_prob = 0;  // of the ids under the model at temperature 1, summed
};

struct BatchOptions {
  int64_t max_batch = 64;                             // sequences decoded together
  Precision precision = Precision::kBf16;             // of keys and values; that of the frozen model
  WeightFormat weights = WeightFormat::kAsPrecision;  // of the frozen model; options only, generate() does not look
  void describe(Fields& f);
};

// Calls on_sample as each sequence ends. A prompt longer than the context less max_new_tokens throws UserError naming
// it.
void generate(const models::Pretrained& source, std::span<const Prompt> prompts, const SamplingOptions& sampling,
              const BatchOptions& batch, const std::function<void(Sample)>& on_sample);

// log p(ids[i] | ids[<i]) for i >= 1; the first entry is 0. One vector per text; texts share batches but not attention.
std::vector<std::vector<float>> score(models::LanguageModel& model, std::span<const std::vector<int32_t>> texts,
                                      int64_t max_batch_tokens = 4096);

}  // namespace limbeck::generate
