#include "kernels/rope.h"

#include <algorithm>

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
LIMBECK_ROW_BODY void neighbours_body(const T* from, T* to, const float* cos, const float* sin, float sign,
                                      int64_t half) {
#pragma omp simd
  for (int64_t i = 0; i < half; ++i) {
    const float left = wide(from[2 * i]), right = wide(from[2 * i + 1]), c = cos[i], s = sign * sin[i];
    put(to[2 * i], left * c - right * s);
    put(to[2 * i + 1], right * c + left * s);
  }
}
LIMBECK_ROW_CLONES void rotate_neighbours(const float* from, float* to, const float* c, const float* s, float sign,
                                          int64_t half) {
  neighbours_body(from, to, c, s, sign, half);
}
LIMBECK_ROW_CLONES void rotate_neighbours(const BFloat16* from, BFloat16* to, const float* c, const float* s,
                                          float sign, int64_t half) {
  neighbours_body(from, to, c, s, sign, half);
}

template <class T>
void rotate_tokens(const Rope& a, const T* from, int64_t from_stride, T* to, int64_t to_stride) {
  const int64_t rotary = a.rotary_dim == 0 ? a.head_dim : a.rotary_dim, half = rotary / 2;
  const float sign = a.turn == Turn::kForward ? 1.0f : -1.0f;
#pragma omp parallel for schedule(static) if (a.tokens * a.heads * a.head_dim > kWorthThreads)
  for (int64_t t = 0; t < a.tokens; ++t)
    for (int64_t h = 0; h < a.heads; ++h) {
      const T* head = from + t * from_stride + h * a.head_dim;
      T* turned = to + t * to_stride + h * a.head_dim;
      const float *c = a.cos + t * half, *s = a.sin + t * half;
      if (a.pairs == RotaryPairs::kHalfSplit)
        rotate_head(head, turned, c, s, sign, half);
      else
        rotate_neighbours(head, turned, c, s, sign, half);
      if (rotary < a.head_dim && head != turned) std::copy(head + rotary, head + a.head_dim, turned + rotary);
    }
}

}  // namespace

void rotate(const Rope& rope, const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  rotate_tokens(rope, from, from_stride, to, to_stride);
}
void rotate(const Rope& rope, const BFloat16* from, int64_t from_stride, BFloat16* to, int64_t to_stride) {
  rotate_tokens(rope, from, from_stride, to, to_stride);
}

}  // namespace limbeck::kernels
