#include "kernels/rope.h"

#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

template <class T>
LIMBECK_ROW_BODY void rotate_body(const T* from, T* to, const float* cos, const float* sin, float sign, int64_t half) {
#pragma omp simd
  for (int64_t i = 0; i < half; ++i) {
    const float left = wide(from[i]), right = wide(from[i + half]), c = cos[i], s = sign * sin[i];
    put(to[i], left * c - right * s);
    put(to[i + half], right * c + left * s);
  }
}
LIMBECK_ROW_CLONES void rotate_head(const float* from, float* to, const float* c, const float* s, float sign,
                                    int64_t half) {
  rotate_body(from, to, c, s, sign, half);
}
LIMBECK_ROW_CLONES void rotate_head(const BFloat16* from, BFloat16* to, const float* c, const float* s, float sign,
                                    int64_t half) {
  rotate_body(from, to, c, s, sign, half);
}

template <class T>
void rotate_tokens(const Rope& a, const T* from, int64_t from_stride, T* to, int64_t to_stride) {
  const int64_t half = a.head_dim / 2;
  const float sign = a.turn == Turn::kForward ? 1.0f : -1.0f;
#pragma omp parallel for schedule(static) if (a.tokens * a.heads * a.head_dim > kWorthThreads)
  for (int64_t t = 0; t < a.tokens; ++t)
    for (int64_t h = 0; h < a.heads; ++h)
      rotate_head(from + t * from_stride + h * a.head_dim, to + t * to_stride + h * a.head_dim, a.cos + t * half,
                  a.sin + t * half, sign, half);
}

}  // namespace

void rotate(const Rope& rope, const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  rotate_tokens(rope, from, from_stride, to, to_stride);
}
void rotate(const Rope& rope, const BFloat16* from, int64_t from_stride, BFloat16* to, int64_t to_stride) {
  rotate_tokens(rope, from, from_stride, to, to_stride);
}

}  // namespace limbeck::kernels
