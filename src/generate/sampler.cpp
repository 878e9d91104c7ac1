#include "generate/sampler.h"

#include "base/errors.h"
#include "base/profile.h"

namespace limbeck::generate {
namespace {

constexpr int64_t kWorthThreads = int64_t{1} << 16;  // logits

}  // namespace

void SeenTokens::add(int32_t id) {
  if (id < 0 || id >= static_cast<int32_t>(seen_.size()) || seen_[static_cast<std::size_t>(id)]) return;
  seen_[static_cast<std::size_t>(id)] = true;
  list_.push_back(id);
}

std::vector<kernels::Draw> draw_all(const std::vector<DrawRequest>& requests, int64_t vocab_size,
                                    const SamplingOptions& options) {
  return draw_each(requests, vocab_size, std::vector<const SamplingOptions*>(requests.size(), &options));
}

std::vector<kernels::Draw> draw_each(const std::vector<DrawRequest>& requests, int64_t vocab_size,
                                     const std::vector<const SamplingOptions*>& options) {
  const Span span("sampling", "generate", static_cast<int64_t>(requests.size()));
  std::vector<kernels::Draw> draws(requests.size());
#pragma omp parallel for schedule(dynamic) if (static_cast <int64_t>(requests.size()) * vocab_size >= kWorthThreads)
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const DrawRequest& request = requests[i];
    const kernels::SamplingRule rule{.temperature = options[i]->temperature,
                                     .top_k = options[i]->top_k,
                                     .top_p = options[i]->top_p,
                                     .min_p = options[i]->min_p,
                                     .repetition_penalty = options[i]->repetition_penalty};
    // A penalty changes the row while it is drawn from, and others may read it meanwhile.
    static thread_local std::vector<float> copy;
    const float* logits = request.logits;
    if (request.seen) {
      copy.assign(logits, logits + vocab_size);
      logits = copy.data();
    }
    const double uniform = Random(request.seed.derive(static_cast<uint64_t>(request.step))).uniform();
    draws[i] = kernels::draw(const_cast<float*>(logits), vocab_size, rule,
                             request.seen ? std::span<const int32_t>(request.seen->list()) : std::span<const int32_t>(),
                             uniform);
  }
  for (std::size_t i = 0; i < draws.size(); ++i)
    if (draws[i].id < 0)
      fail("generate", "expected finite logits but received NaN or infinity at step {} of a sequence",
           requests[i].step);
  return draws;
}

}  // namespace limbeck::generate
