// Root mean square normalisation of rows, with the residual sum that comes before it, in one visit. Sums are fp32; the
// gradient of the weight is added up in blocks of rows, so it has the same bits on any number of threads.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

// sum = x + delta, scale = 1 / sqrt(mean(sum²) + epsilon), y = sum · scale · weight. Rows lie without gaps.
struct RmsNorm {
  int64_t rows = 0, width = 0;
  float epsilon = 0;
  const float* x = nullptr;
  const float* delta = nullptr;  // one of the two or none
  const BFloat16* delta_low = nullptr;
  const float* weight = nullptr;  // [width]
  float* sum = nullptr;           // null where there is no delta; may be x itself
  BFloat16* sum_low = nullptr;    // the same rounded, to be kept for the gradient, or null
  float* scale = nullptr;         // [rows], or null
  float* y = nullptr;             // one of the two
  BFloat16* y_low = nullptr;
};
void rms_norm(const RmsNorm& norm);

struct RmsNormGradient {
  int64_t rows = 0, width = 0;
  const float* sum = nullptr;  // what was normalised; one of the two (the second with dy_low only)
  const BFloat16* sum_low = nullptr;
  const float* scale = nullptr;  // [rows]
  const float* weight = nullptr;
  const float* dy = nullptr;  // one of the two
  const BFloat16* dy_low = nullptr;
  const float* dsum = nullptr;  // gradient that reaches the sum by other ways, or null
  float* dx = nullptr;          // dsum + that through the norm
  BFloat16* dx_low = nullptr;   // the same rounded, or null
  float* dweight = nullptr;     // [width], or null
  float* y = nullptr;           // what the norm gave, once more; one of the two or none (y with sum only)
  BFloat16* y_low = nullptr;
};
void rms_norm_gradient(const RmsNormGradient& gradient);

}  // namespace limbeck::kernels
