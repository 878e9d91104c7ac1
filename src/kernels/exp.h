// exp and tanh for fp32 that compilers turn into vector instructions: no table, no branch, no call.
#pragma once

#include <bit>
#include <cstdint>

namespace limbeck::kernels {

// exp(x) for x <= 0 within 3e-7 relative; below -87 it is exp(-87) (1.6e-38), NaN stays NaN.
// Cody-Waite reduction by ln 2 and the degree-6 Taylor polynomial on [-ln2/2, ln2/2].
__attribute__((always_inline)) inline float exp_of_negative(float x) {
  x = x < -87.0f ? -87.0f : x;
  constexpr float kRound = 12582912.0f;  // 1.5·2²³: adding it rounds to an integer that stands in the low bits
  const float shifted = x * 1.44269504f + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const auto exponent = (std::bit_cast<int32_t>(shifted) - std::bit_cast<int32_t>(kRound) + 127) << 23;
  return p * std::bit_cast<float>(exponent);
}

// tanh(x) within 4e-7 relative: a polynomial (Cephes tanhf) near 0, where 1 - e^-2x would cancel.
__attribute__((always_inline)) inline float hyperbolic_tangent(float x) {
  const float size = x < 0 ? -x : x, z = x * x;
  const float e = exp_of_negative(-2 * size);
  const float far = (1 - e) / (1 + e);
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  const float near = p * z * x + x;
  return size < 0.625f ? near : (x < 0 ? -far : far);
}

}  // namespace limbeck::kernels
