// The AdamW update and the sum of squares over raw fp32 values: one visit each.
#pragma once

#include <cstdint>

namespace limbeck::kernels {

// Coefficients of one step, as in "Decoupled Weight Decay Regularization" (arXiv:1711.05101, algorithm 2).
struct AdamwCoefficients {
  float learning_rate = 0, beta1 = 0, beta2 = 0, epsilon = 0, weight_decay = 0;
  float correction1 = 1, correction2 = 1;  // 1 - βᵗ
  float gradient_scale = 1;                // multiplies every gradient first: 1/count · clip
};

// parameter -= lr·(decay·parameter + m̂/(√v̂ + ε)); m and v are the running means of g and g².
void adamw(float* parameter, const float* gradient, float* m, float* v, int64_t n, const AdamwCoefficients& c);

double sum_of_squares(const float* x, int64_t n);

}  // namespace limbeck::kernels
