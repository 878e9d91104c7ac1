#include "kernels/softmax_cross_entropy.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/exp.h"
#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kBlock = 2048;  // floats summed in fp32 before they join the double sum

LIMBECK_ROW_CLONES float largest(const float* x, int64_t n) {
  float most = -INFINITY;
#pragma omp simd reduction(max : most)
  for (int64_t i = 0; i < n; ++i) most = x[i] > most ? x[i] : most;
  return most;
}

// y = exp(x - most); returns the sum of y over at most kBlock values.
LIMBECK_ROW_CLONES float exp_block(const float* x, float* y, int64_t n, float most) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) {
    y[i] = exp_of_negative(x[i] - most);
    sum += y[i];
  }
  return sum;
}

LIMBECK_ROW_CLONES float exp_sum_block(const float* x, int64_t n, float most) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += exp_of_negative(x[i] - most);
  return sum;
}

LIMBECK_ROW_CLONES void scale(float* x, int64_t n, float factor) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

LIMBECK_ROW_CLONES void widen(const uint16_t* x, float* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = std::bit_cast<float>(static_cast<uint32_t>(x[i]) << 16);
}

// y = bf16(x · factor), rounded to nearest even. The values are finite or the whole row is NaN, which the caller
// reports.
LIMBECK_ROW_CLONES void scale_and_narrow(const float* x, uint16_t* y, int64_t n, float factor) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(x[i] * factor);
    y[i] = static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
  }
}

uint16_t narrow(float x) {
  uint16_t y;
  scale_and_narrow(&x, &y, 1, 1.0f);
  return y;
}

double exp_row(float* row, int64_t n, float most) {
  double sum = 0;
  for (int64_t i = 0; i < n; i += kBlock) sum += exp_block(row + i, row + i, std::min(kBlock, n - i), most);
  return sum;
}

}  // namespace

double softmax_cross_entropy(std::span<float> logits, int64_t target, float weight) {
  const auto n = static_cast<int64_t>(logits.size());
  const float most = largest(logits.data(), n), at_target = logits[target];
  const double sum = exp_row(logits.data(), n, most);
  scale(logits.data(), n, static_cast<float>(weight / sum));
  logits[target] -= weight;
  return std::log(sum) + most - at_target;
}

double softmax_cross_entropy_bf16(std::span<uint16_t> logits, int64_t target, float weight, std::span<float> scratch) {
  const auto n = static_cast<int64_t>(logits.size());
  widen(logits.data(), scratch.data(), n);
  const float most = largest(scratch.data(), n), at_target = scratch[target];
  const double sum = exp_row(scratch.data(), n, most);
  const auto factor = static_cast<float>(weight / sum);
  scale_and_narrow(scratch.data(), logits.data(), n, factor);
  logits[target] = narrow(scratch[target] * factor - weight);
  return std::log(sum) + most - at_target;
}

double cross_entropy(std::span<const float> logits, int64_t target) {
  const auto n = static_cast<int64_t>(logits.size());
  const float most = largest(logits.data(), n);
  double sum = 0;
  for (int64_t i = 0; i < n; i += kBlock) sum += exp_sum_block(logits.data() + i, std::min(kBlock, n - i), most);
  return std::log(sum) + most - logits[target];
}

}  // namespace limbeck::kernels
