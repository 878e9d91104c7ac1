#include "kernels/causal_rows.h"

#include <cmath>  // INFINITY

#include "kernels/exp.h"
#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kColumns = kAttentionBlock;

template <class Number>
LIMBECK_ROW_BODY RowSum softmax_body(float* scores, Number* weights, int64_t n, float scale) {
  float largest = -INFINITY;
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < n; ++i) {
    scores[i] *= scale;
    largest = scores[i] > largest ? scores[i] : largest;
  }
  float total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i) {
    const float weight = exp_of_negative(scores[i] - largest);
    total += weight;
    put(weights[i], weight);
  }
  return {largest, total};
}

// One row of keys by 48 queries.
template <bool kCapped, class Number>
LIMBECK_ROW_BODY void gradient_row_body(const float* scores, const float* dweights, const float* log_sums,
                                        const float* products, float scale, float cap, int32_t age, int32_t window,
                                        Number* p, Number* ds, Number* panel) {
  constexpr int64_t kNumbers = kCellNumbers<Number>;
#pragma omp simd
  for (int32_t c = 0; c < static_cast<int32_t>(kColumns); ++c) {
    const bool seen = age + c >= 0 && age + c < window;
    float score = scores[c] * scale, slope = scale;
    if constexpr (kCapped) {  // d cap·tanh(x/cap) = (1 - tanh²) dx
      const float t = hyperbolic_tangent(score / cap);
      score = cap * t;
      slope *= 1 - t * t;
    }
    const float x = seen ? score - log_sums[c] : -87.0f;
    const float weight = seen ? exp_of_negative(x) : 0.0f;
    const float gradient = seen ? weight * (dweights[c] - products[c]) * slope : 0.0f;
    put(p[c], weight);
    put(ds[c], gradient);
    put(panel[c * kNumbers], gradient);
  }
}

}  // namespace

LIMBECK_ROW_CLONES RowSum softmax_row(float* scores, float* weights, int64_t n, float scale) {
  return softmax_body(scores, weights, n, scale);
}
LIMBECK_ROW_CLONES RowSum softmax_row(float* scores, BFloat16* weights, int64_t n, float scale) {
  return softmax_body(scores, weights, n, scale);
}

LIMBECK_ROW_CLONES void softcap_row(float* scores, int64_t n, float scale, float cap) {
  const float inner = scale / cap;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) scores[i] = cap * hyperbolic_tangent(scores[i] * inner);
}

LIMBECK_ROW_CLONES void scale_row(const float* from, float* to, int64_t n, float scale) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(to[i], from[i] * scale);
}
LIMBECK_ROW_CLONES void scale_row(const float* from, BFloat16* to, int64_t n, float scale) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(to[i], from[i] * scale);
}

LIMBECK_ROW_CLONES void add_row(const float* from, float* to, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] += from[i];
}

template <class Number>
LIMBECK_ROW_BODY float dot_of(const Number* a, const Number* b, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += wide(a[i]) * wide(b[i]);
  return sum;
}
LIMBECK_ROW_CLONES float dot_row(const float* a, const float* b, int64_t n) {
  return dot_of(a, b, n);
}
LIMBECK_ROW_CLONES float dot_row(const BFloat16* a, const BFloat16* b, int64_t n) {
  return dot_of(a, b, n);
}

void gather_column(const float* from, int64_t stride, float* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
}
void gather_column(const float* from, int64_t stride, BFloat16* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) put(to[i], from[i * stride]);
}

template <bool kCapped>
LIMBECK_ROW_BODY void block_body(const BlockGradient<float>& b) {
  for (int64_t r = 0; r < b.keys; ++r)
    gradient_row_body<kCapped>(b.scores + r * kColumns, b.dweights + r * kColumns, b.log_sums, b.products, b.scale,
                               b.softcap, b.oldest - static_cast<int32_t>(r), b.window, b.p + r * b.stride,
                               b.ds + r * b.stride, b.ds_panel + r * kColumns);
}
LIMBECK_ROW_CLONES void block_gradient(const BlockGradient<float>& b) {
  if (b.softcap > 0)
    block_body<true>(b);
  else
    block_body<false>(b);
}

template <bool kCapped>
LIMBECK_ROW_BODY void block_body(const BlockGradient<BFloat16>& b) {
  for (int64_t r = 0; r < b.keys; ++r)
    gradient_row_body<kCapped>(b.scores + r * kColumns, b.dweights + r * kColumns, b.log_sums, b.products, b.scale,
                               b.softcap, b.oldest - static_cast<int32_t>(r), b.window, b.p + r * b.stride,
                               b.ds + r * b.stride, b.ds_panel + r / 2 * 2 * kColumns + r % 2);
  if (b.keys % 2 == 1)
    for (int64_t c = 0; c < kColumns; ++c) b.ds_panel[(b.keys - 1) * kColumns + 2 * c + 1] = {};
}
LIMBECK_ROW_CLONES void block_gradient(const BlockGradient<BFloat16>& b) {
  if (b.softcap > 0)
    block_body<true>(b);
  else
    block_body<false>(b);
}

}  // namespace limbeck::kernels
