#include "kernels/dropout.h"

#include "kernels/hashed_mask.h"
#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

template <class T>
LIMBECK_ROW_BODY void row_body(const T* x, T* y, int64_t n, uint32_t low, uint32_t high, uint32_t threshold,
                               float scale) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    put(y[i], drawn(static_cast<uint32_t>(i), low, high) < threshold ? 0.0f : wide(x[i]) * scale);
  }
}
LIMBECK_ROW_CLONES void drop_row(const float* x, float* y, int64_t n, uint32_t low, uint32_t high, uint32_t threshold,
                                 float scale) {
  row_body(x, y, n, low, high, threshold, scale);
}
LIMBECK_ROW_CLONES void drop_row(const BFloat16* x, BFloat16* y, int64_t n, uint32_t low, uint32_t high,
                                 uint32_t threshold, float scale) {
  row_body(x, y, n, low, high, threshold, scale);
}

template <class T>
void drop(const Dropout& a, const T* x, T* y) {
  const uint32_t threshold = mask_threshold(a.rate);
  const auto scale = static_cast<float>(1 / (1 - a.rate));
#pragma omp parallel for schedule(static) if (a.rows * a.width > kWorthThreads)
  for (int64_t r = 0; r < a.rows; ++r) {
    const MaskRow mask = mask_row(static_cast<uint64_t>(a.keys[r]) ^ a.salt);
    drop_row(x + r * a.width, y + r * a.width, a.width, mask.low, mask.high, threshold, scale);
  }
}

}  // namespace

void dropout(const Dropout& dropout, const float* x, float* y) {
  drop(dropout, x, y);
}
void dropout(const Dropout& dropout, const BFloat16* x, BFloat16* y) {
  drop(dropout, x, y);
}

}  // namespace limbeck::kernels
