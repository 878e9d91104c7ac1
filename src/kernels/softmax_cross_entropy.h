// Softmax cross-entropy of rows of logits and its gradient in one visit, while the row is in the cache.
// LibTorch's log_softmax reads and writes such rows several times through memory.
#pragma once

#include <cstdint>
#include <span>

namespace limbeck::kernels {

// One row of V logits against one class. Afterwards the row holds weight · (softmax(logits) - onehot(target)), the
// gradient of weight · loss. Returns the loss, log Σ exp(logits) - logits[target], unweighted. NaN and +inf logits give
// NaN.
double softmax_cross_entropy(std::span<float> logits, int64_t target, float weight);

// The same for bfloat16 rows (as their bits); the sum and the exponentials are fp32. `scratch` holds V floats.
double softmax_cross_entropy_bf16(std::span<uint16_t> logits, int64_t target, float weight, std::span<float> scratch);

// The loss alone; the row is left as it is.
double cross_entropy(std::span<const float> logits, int64_t target);

}  // namespace limbeck::kernels
