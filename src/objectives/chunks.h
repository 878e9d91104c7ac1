// Losses over a whole vocabulary, computed a chunk of rows at a time: the logits [N,V] of a batch never exist at once.
// The gradients are made in the forward pass, while a chunk's logits are there, as in Liger Kernel (arXiv:2410.10989,
// sec. 3.2). A loss says what to do with one chunk; the products, the skipping of rows and the accumulation are shared
// here.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "tensor/device.h"

namespace limbeck::objectives {

struct ChunkOptions {
  int64_t rows = 0;                        // of a chunk; 0: as many as keep its logits near 64 MiB
  Precision precision = Precision::kFp32;  // of the three products; sums over chunks and gradients are fp32 (or fp64)
  at::Tensor low_weight;                   // the weight in bf16 where the caller keeps such a copy
  at::Tensor bias;                         // [V], added to the products; undefined for none. Differentiable
  double softcap = 0;                      // logits x become softcap·tanh(x / softcap); 0: as they are
};

// The loss of the rows `rows` [C] (indices into N) with their logits [C,V]: fp32 or fp64 like the inputs, bf16 under
// Precision::kBf16. Returns the sum over the rows. With want_gradient it leaves d sum / d logits in `logits`.
using ChunkLoss = std::function<double(const at::Tensor& rows, at::Tensor& logits, bool want_gradient)>;

// hidden [N,D], weight [V,D], rows [M] int64 (which of the N count, each once) -> the sum, a differentiable scalar.
at::Tensor chunked_sum(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& rows,
                       const ChunkLoss& loss, const ChunkOptions& options = {});

}  // namespace limbeck::objectives
