// Vectors of the width that this translation unit is compiled for, and the few operations that the kernels need. Each
// of avx512.cpp, avx2.cpp and portable.cpp includes this after its own "#pragma GCC target", so everything has internal
// linkage.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/bfloat16.h"

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors wider than the base ABI are passed between inlined functions only

namespace limbeck::kernels {
namespace {

#if defined(LIMBECK_AVX512)
constexpr int kLanes = 16;
#elif defined(LIMBECK_AVX2)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
constexpr int kBlock = 16;               // columns (or positions) that are stored together, on every processor
constexpr int kSplit = kBlock / kLanes;  // vectors of such a block

typedef float Lanes __attribute__((vector_size(kLanes * 4)));
typedef int32_t IntLanes __attribute__((vector_size(kLanes * 4)));
typedef uint32_t BitLanes __attribute__((vector_size(kLanes * 4)));

[[gnu::always_inline]] inline Lanes splat(float value) {
  return value - Lanes{};
}
[[gnu::always_inline]] inline Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}
[[gnu::always_inline]] inline void store(float* to, Lanes lanes) {
  std::memcpy(to, &lanes, sizeof(lanes));
}
[[gnu::always_inline]] inline Lanes larger(Lanes a, Lanes b) {
  return a > b ? a : b;
}

// Lanes swapped with those `distance` away; distance is a power of two.
[[gnu::always_inline]] inline Lanes swapped(Lanes lanes, int distance) {
  IntLanes order;
  for (int i = 0; i < kLanes; ++i) order[i] = i ^ distance;
  return __builtin_shuffle(lanes, order);
}

[[gnu::always_inline]] inline float largest(Lanes lanes) {
#pragma GCC unroll 4
  for (int distance = kLanes / 2; distance > 0; distance /= 2) lanes = larger(lanes, swapped(lanes, distance));
  return lanes[0];
}

[[gnu::always_inline]] inline float sum_of(Lanes lanes) {
#pragma GCC unroll 4
  for (int distance = kLanes / 2; distance > 0; distance /= 2) lanes += swapped(lanes, distance);
  return lanes[0];
}

// e^x with a relative error below 2e-7; 0 below -87, clamped above 88 (the callers pass x <= 0).
[[gnu::always_inline]] inline Lanes exponential(Lanes x) {
  const Lanes clamped = x < -87.0f ? splat(-87.0f) : (x > 88.0f ? splat(88.0f) : x);
  // x = n ln 2 + r, |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to the nearest whole number.
  const Lanes shifted = clamped * 1.44269504088896341f + 12582912.0f;
  const Lanes n = shifted - 12582912.0f;
  Lanes r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Lanes p = splat(1.9875691500e-4f);  // Cephes expf
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const BitLanes power = (((BitLanes)shifted) << 23) + ((BitLanes)p);
  const Lanes kept = x == x ? (Lanes)power : x;  // adding bits would make a number of a NaN with a payload
  return x < -87.0f ? Lanes{} : kept;
}

// tanh(x) within 4e-7 relative, as exp.h has it.
[[gnu::always_inline]] inline Lanes hyperbolic_tangent(Lanes x) {
  const Lanes size = x < 0.0f ? -x : x, z = x * x;
  const Lanes e = exponential(size * -2.0f), far = (1.0f - e) / (1.0f + e);
  Lanes p = z * -5.70498872745e-3f + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  return size < 0.625f ? p * z * x + x : (x < 0.0f ? -far : far);
}

// x Φ(x), as kernels/activation.cpp has it.
[[gnu::always_inline]] inline Lanes gelu(Lanes x) {
  const Lanes size = x < 0.0f ? -x : x;
  const Lanes t = 1.0f / (1.0f + size * (0.3275911f * 0.70710678f)), bell = exponential(x * x * -0.5f);
  Lanes p = t * 1.061405429f - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Lanes tail = p * t * bell * 0.5f;
  return x * (x < 0.0f ? tail : 1.0f - tail);
}

// What a product multiplies at once: one fp32 number, or two bf16 numbers that stand side by side.
struct Fp32Cell {
  using Number = float;
  static constexpr int kNumbers = 1;  // a cell holds
  struct Column {
    Lanes value;
  };
  [[gnu::always_inline]] static Column column(const float* from) { return {load(from)}; }
  [[gnu::always_inline]] static Lanes multiply_add(Lanes sum, const float* x, const Column& column) {
    return sum + *x * column.value;
  }
};

struct Bf16Cell {
  using Number = BFloat16;
  static constexpr int kNumbers = 2;
#if defined(LIMBECK_AVX512)
  struct Column {
    __m512bh value;
  };
  [[gnu::always_inline]] static Column column(const BFloat16* from) {
    Column column;
    std::memcpy(&column, from, sizeof(column));
    return column;
  }
  [[gnu::always_inline]] static Lanes multiply_add(Lanes sum, const BFloat16* x, const Column& column) {
    int32_t pair;
    std::memcpy(&pair, x, sizeof(pair));
    return (Lanes)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(pair), column.value);
  }
#else
  struct Column {
    Lanes first, second;
  };
  [[gnu::always_inline]] static Column column(const BFloat16* from) {
    BitLanes pairs;
    std::memcpy(&pairs, from, sizeof(pairs));
    return {(Lanes)(pairs << 16), (Lanes)(pairs & 0xffff0000u)};
  }
  [[gnu::always_inline]] static Lanes multiply_add(Lanes sum, const BFloat16* x, const Column& column) {
    return sum + to_float(x[0]) * column.first + to_float(x[1]) * column.second;
  }
#endif
};

}  // namespace
}  // namespace limbeck::kernels
