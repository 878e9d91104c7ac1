// Passes over a row of logits.
#pragma once

#include "kernels/instruction_sets.h"
#include "kernels/lanes.h"

namespace limbeck::kernels {
namespace {

void block_maxima(const float* x, int64_t n, float* maxima) {
  for (int64_t block = 0; block * kMaximumBlock < n; ++block) {
    const float* from = x + block * kMaximumBlock;
    const int64_t count = n - block * kMaximumBlock < kMaximumBlock ? n - block * kMaximumBlock : kMaximumBlock;
    float result = -std::numeric_limits<float>::infinity();
    int64_t i = 0;
    if (count >= kLanes) {
      Lanes peak = load(from);
      for (i = kLanes; i + kLanes <= count; i += kLanes) peak = larger(peak, load(from + i));
      result = largest(peak);
    }
    for (; i < count; ++i) result = from[i] > result ? from[i] : result;
    maxima[block] = result;
  }
}

void exponential_sums(const float* x, int64_t n, float shift, float scale, float* sums) {
  for (int64_t block = 0; block * kSumBlock < n; ++block) {
    const float* from = x + block * kSumBlock;
    const int64_t count = n - block * kSumBlock < kSumBlock ? n - block * kSumBlock : kSumBlock;
    Lanes first = {}, second = {};
    int64_t i = 0;
    for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
      first += exponential((load(from + i) - shift) * scale);
      second += exponential((load(from + i + kLanes) - shift) * scale);
    }
    float total = sum_of(first + second);
    for (; i < count; ++i) total += exponential(splat((from[i] - shift) * scale))[0];
    sums[block] = total;
  }
}

}  // namespace
}  // namespace limbeck::kernels
