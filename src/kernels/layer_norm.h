// Layer normalisation of rows, with the residual sum that comes before it, in one visit. Sums are fp32; the gradients
// of weight and bias are added up in blocks of rows, so they have the same bits on any number of threads.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

// sum = x + delta, scale = 1 / sqrt(var(sum) + epsilon), y = (sum - mean) · scale · weight + bias. Rows lie without
// gaps.
struct LayerNorm {
  int64_t rows = 0, width = 0;
  float epsilon = 0;
  const float* x = nullptr;
  const float* delta = nullptr;  // one of the two or none
  const BFloat16* delta_low = nullptr;
  const float* weight = nullptr;  // [width]
  const float* bias = nullptr;    // [width]
  float* sum = nullptr;           // null where there is no delta; may be x itself
  float* mean = nullptr;          // [rows], or null
  float* scale = nullptr;         // [rows], or null
  float* y = nullptr;             // one of the two
  BFloat16* y_low = nullptr;
};
void layer_norm(const LayerNorm& norm);

struct LayerNormGradient {
  int64_t rows = 0, width = 0;
  const float* sum = nullptr;   // what was normalised
  const float* mean = nullptr;  // [rows]
  const float* scale = nullptr;
  const float* weight = nullptr;
  const float* dy = nullptr;  // one of the two
  const BFloat16* dy_low = nullptr;
  const float* dsum = nullptr;  // gradient that reaches the sum by other ways, or null
  float* dx = nullptr;          // dsum + that through the norm
  BFloat16* dx_low = nullptr;   // the same rounded, or null
  float* dweight = nullptr;     // [width]
  float* dbias = nullptr;       // [width]
};
void layer_norm_gradient(const LayerNormGradient& gradient);

}  // namespace limbeck::kernels
