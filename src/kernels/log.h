// log for fp32 that compilers turn into vector instructions: no table, no branch, no call.
#pragma once

#include <bit>
#include <cstdint>

namespace limbeck::kernels {

// log(x) for normal positive x within 2e-7 relative, and 1e-7 absolute near 1. x = m·2ᵉ with m in [√½, √2);
// log m = 2 atanh(s) with s = (m - 1) / (m + 1), |s| <= 0.1716, where the series to s⁹ leaves 3e-9.
__attribute__((always_inline)) inline float log_of_positive(float x) {
  constexpr int32_t kRootHalf = 0x3f3504f3;  // the bits of √½
  const int32_t bits = std::bit_cast<int32_t>(x);
  const int32_t exponent = (bits - kRootHalf) >> 23;
  const float m = std::bit_cast<float>(bits - (exponent << 23));
  const float f = m - 1.0f, s = f / (m + 1.0f), z = s * s;
  float p = 2.0f / 9;
  p = p * z + 2.0f / 7;
  p = p * z + 2.0f / 5;
  p = p * z + 2.0f / 3;
  const auto e = static_cast<float>(exponent);
  const float log_m = 2.0f * s + s * z * p;
  return e * 0.693359375f + (log_m - e * 2.12194440e-4f);  // ln 2 in two parts, the first exact times any e
}

}  // namespace limbeck::kernels
