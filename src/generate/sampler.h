// From logits to tokens for the sequences of a batch.
#pragma once

#include <cstdint>
#include <vector>

#include "base/seeds.h"
#include "generate/generate.h"
#include "kernels/sampling.h"

namespace limbeck::generate {

// Tokens of prompt and continuation, each once: what a repetition penalty looks at.
class SeenTokens {
 public:
  explicit SeenTokens(int64_t vocab_size) : seen_(static_cast<std::size_t>(vocab_size), false) {}
  void add(int32_t id);
  const std::vector<int32_t>& list() const { return list_; }

 private:
  std::vector<bool> seen_;
  std::vector<int32_t> list_;
};

struct DrawRequest {
  const float* logits = nullptr;     // [V]; several requests may share a row
  const SeenTokens* seen = nullptr;  // null: no penalty
  Seed seed{};                       // of the sample
  int64_t step = 0;                  // index of the token in the continuation; draws with seed.derive(step)
};

// Draws for all requests on all threads. Throws Error when the logits hold a NaN or an infinity.
std::vector<kernels::Draw> draw_all(const std::vector<DrawRequest>& requests, int64_t vocab_size,
                                    const SamplingOptions& options);
// The same where each request has options of its own.
std::vector<kernels::Draw> draw_each(const std::vector<DrawRequest>& requests, int64_t vocab_size,
                                     const std::vector<const SamplingOptions*>& options);

}  // namespace limbeck::generate
