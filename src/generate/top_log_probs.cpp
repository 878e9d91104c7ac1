#include "generate/top_log_probs.h"

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "kernels/sampling.h"

namespace limbeck::generate {

TopLogProbs top_log_probs(const float* logits, int64_t n, int64_t k) {
  const double total = kernels::log_sum_exp(logits, n);
  if (!std::isfinite(total)) fail("top_log_probs", "expected finite logits but received NaN or infinity");
  k = std::clamp<int64_t>(k, 0, n);
  const auto likelier = [&](int32_t a, int32_t b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
  };
  // A heap with the least likely of the best k in front: nearly every logit is turned away by one comparison.
  std::vector<int32_t> best;
  best.reserve(static_cast<std::size_t>(k));
  for (int32_t id = 0; id < n; ++id) {
    if (static_cast<int64_t>(best.size()) < k) {
      best.push_back(id);
      std::push_heap(best.begin(), best.end(), likelier);
    } else if (k > 0 && logits[id] > logits[best.front()]) {
      std::pop_heap(best.begin(), best.end(), likelier);
      best.back() = id;
      std::push_heap(best.begin(), best.end(), likelier);
    }
  }
  std::sort_heap(best.begin(), best.end(), likelier);
  TopLogProbs top;
  double mass = 0;
  for (const int32_t id : best) {
    const double log_prob = static_cast<double>(logits[id]) - total;
    top.log_probs.push_back(static_cast<float>(log_prob));
    mass += std::exp(log_prob);
  }
  top.rest = k == n ? 0 : std::max(0.0, 1 - mass);
  top.ids = std::move(best);
  return top;
}

}  // namespace limbeck::generate
