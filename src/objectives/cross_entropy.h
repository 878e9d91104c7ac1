// Next-token cross-entropy over the vocabulary. A chunk's log-sum-exp is fp32 (fp64 for fp64 inputs); rows without a
// target are left out before the vocabulary product.
#pragma once

#include <ATen/core/Tensor.h>

#include "objectives/chunks.h"
#include "objectives/loss.h"

namespace limbeck::objectives {

// hidden [N,D], weight [V,D], targets [N] int64 (-100: none), weights [N] -> Σ wᵢ·(-log softmax(hᵢ Wᵀ)[tᵢ]) and Σ wᵢ
// over the rows with a target. Throws when a target is outside the vocabulary.
Term cross_entropy(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                   const at::Tensor& weights, const ChunkOptions& options = {});

}  // namespace limbeck::objectives
