// Root mean square normalisation and its gradient as tensors, without autograd: what nn/rms_norm.cpp and the steps that
// fuse a norm with a product are made of.
#pragma once

#include <ATen/core/Tensor.h>

#include "tensor/device.h"

namespace limbeck::nn {

struct NormSettings {
  at::Tensor weight;  // [D]
  double epsilon = 0;
  Precision output = Precision::kFp32;
};

// What the gradient is computed from later: the residual sum as it is, or rounded to bf16, which takes half the memory
// and is as exact as the products that read the norm.
enum class KeptSum { kExact, kRounded };

struct NormedRows {
  at::Tensor sum;    // x + delta fp32; x itself where there is no delta
  at::Tensor kept;   // the sum for the gradient, fp32 or bf16
  at::Tensor scale;  // [N], 1 / root mean square
  at::Tensor y;      // [N,D] in the output precision
};
// x [N,D] and delta [N,D] of any precision, or undefined.
NormedRows normalise(const at::Tensor& x, const at::Tensor& delta, const NormSettings& norm, KeptSum keep);

// y of what was kept, once more; from a rounded sum it is rounded twice.
at::Tensor normed_again(const NormedRows& kept, const NormSettings& norm);

struct NormGradients {
  at::Tensor x, delta, weight;  // fp32; delta in delta_type (undefined: none); [D]
  at::Tensor y;                 // normed_again(), when asked for
};
struct NormGradientRequest {
  at::Tensor dsum;  // what reaches the sum by other ways, or undefined
  at::ScalarType delta_type = at::ScalarType::Undefined;
  bool want_y = false;
};
NormGradients norm_gradients(const NormedRows& kept, const NormSettings& norm, const at::Tensor& dy,
                             const NormGradientRequest& request);

}  // namespace limbeck::nn
