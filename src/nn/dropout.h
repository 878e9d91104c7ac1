// Dropout by keys of rows (kernels/dropout.h) as a differentiable function.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace limbeck::nn {

// x [N,D], keys [N] int64 -> x / (1 - rate) with a share `rate` of its numbers, drawn by (key, salt, column), at 0.
at::Tensor dropout(const at::Tensor& x, const at::Tensor& keys, uint64_t salt, double rate);

}  // namespace limbeck::nn
