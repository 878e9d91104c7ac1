#include "kernels/dropout.h"

#include <algorithm>

#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

// 32 bits of a 32-bit number (a murmur3 finaliser with constants of C. Wellons's search, bias 0.17).
LIMBECK_ROW_BODY uint32_t mixed(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

template <class T>
LIMBECK_ROW_BODY void row_body(const T* x, T* y, int64_t n, uint32_t low, uint32_t high, uint32_t threshold,
                               float scale) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t drawn = mixed(mixed(static_cast<uint32_t>(i) + low) ^ high);
    put(y[i], drawn < threshold ? 0.0f : wide(x[i]) * scale);
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
  const auto threshold = static_cast<uint32_t>(std::min(a.rate * 4294967296.0, 4294967295.0));
  const auto scale = static_cast<float>(1 / (1 - a.rate));
#pragma omp parallel for schedule(static) if (a.rows * a.width > kWorthThreads)
  for (int64_t r = 0; r < a.rows; ++r) {
    uint64_t key = (static_cast<uint64_t>(a.keys[r]) ^ a.salt) * 0x9e3779b97f4a7c15u;
    key ^= key >> 32;
    drop_row(x + r * a.width, y + r * a.width, a.width, mixed(static_cast<uint32_t>(key)),
             static_cast<uint32_t>(key >> 32), threshold, scale);
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
