#include "kernels/attention_rows.h"

#include <cmath>  // INFINITY, std::log

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

constexpr int64_t kStep = 16;  // numbers that are done together, so that no row ends in single ones

template <class Number>
LIMBECK_ROW_BODY void softmax_rows_body(const SoftmaxRows<Number>& a) {
  const int64_t whole = (a.columns + kStep - 1) / kStep * kStep;
  const float scale = a.scale != 0 ? a.scale : 1e-30f;  // 0 times the infinity behind the row is no number
  for (int64_t r = 0; r < a.rows; ++r) {
    float* scores = a.scores + r * a.stride;
    Number* weights = a.weights + r * a.stride;
    for (int64_t i = a.columns; i < whole; ++i) scores[i] = -INFINITY;
    float highest[kStep], sums[kStep] = {};
    for (float& h : highest) h = -INFINITY;
    for (int64_t at = 0; at < whole; at += kStep)
#pragma omp simd
      for (int64_t i = 0; i < kStep; ++i) {
        const float score = scores[at + i] * scale;
        scores[at + i] = score;
        highest[i] = score > highest[i] ? score : highest[i];
      }
    float largest = highest[0], total = 0;
    for (const float h : highest) largest = h > largest ? h : largest;
    for (int64_t at = 0; at < whole; at += kStep)
#pragma omp simd
      for (int64_t i = 0; i < kStep; ++i) {
        const float weight = exp_of_negative(scores[at + i] - largest);
        sums[i] += weight;
        put(weights[at + i], weight);
      }
    for (const float sum : sums) total += sum;
    for (int64_t i = a.columns; i < whole; ++i) weights[i] = {};
    a.inverse[r] = 1 / total;
    if (a.log_sums) a.log_sums[r * a.log_stride] = largest + std::log(total);
  }
}

template <class Number>
LIMBECK_ROW_BODY void scale_rows_body(const ScaledRows<Number>& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    const float* from = a.from + r * a.from_stride;
    Number* to = a.to + r * a.to_stride;
    const float scale = a.scales[r];
#pragma omp simd
    for (int64_t i = 0; i < a.n; ++i) put(to[i], from[i] * scale);
  }
}

// One row of keys by 48 queries.
template <bool kCapped, bool kDropped, class Number>
LIMBECK_ROW_BODY void gradient_row_body(const BlockGradient<Number>& b, int64_t r, Number* panel) {
  constexpr int64_t kNumbers = kCellNumbers<Number>;
  const float *scores = b.scores + r * kColumns, *dweights = b.dweights + r * kColumns;
  const float *log_sums = b.log_sums, *products = b.products;
  const uint32_t *low = b.mask_low, *high = b.mask_high;
  const uint32_t key = b.first_key + static_cast<uint32_t>(r), threshold = b.threshold;
  const float scale = b.scale, cap = b.softcap, kept_scale = b.kept_scale;
  const int32_t age = b.oldest - static_cast<int32_t>(r), window = b.window;
  Number *p = b.p + r * b.stride, *ds = b.ds + r * b.stride;
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
    float kept = 1;
    if constexpr (kDropped) kept = drawn(key, low[c], high[c]) < threshold ? 0.0f : kept_scale;
    const float gradient = seen ? weight * (dweights[c] * kept - products[c]) * slope : 0.0f;
    put(p[c], weight * kept);
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

LIMBECK_ROW_CLONES void softmax_rows(const SoftmaxRows<float>& rows) {
  softmax_rows_body(rows);
}
LIMBECK_ROW_CLONES void softmax_rows(const SoftmaxRows<BFloat16>& rows) {
  softmax_rows_body(rows);
}

LIMBECK_ROW_CLONES void scale_rows(const ScaledRows<float>& rows) {
  scale_rows_body(rows);
}
LIMBECK_ROW_CLONES void scale_rows(const ScaledRows<BFloat16>& rows) {
  scale_rows_body(rows);
}

LIMBECK_ROW_CLONES void softcap_row(float* scores, int64_t n, float scale, float cap) {
  const float inner = scale / cap;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) scores[i] = cap * hyperbolic_tangent(scores[i] * inner);
}

template <class Number>
LIMBECK_ROW_BODY void drop_body(Number* weights, int64_t n, int64_t first, MaskRow mask, uint32_t threshold) {
  const uint32_t low = mask.low + static_cast<uint32_t>(first);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i)
    put(weights[i], drawn(static_cast<uint32_t>(i), low, mask.high) < threshold ? 0.0f : wide(weights[i]));
}
LIMBECK_ROW_CLONES void drop_weights(float* weights, int64_t n, int64_t first, MaskRow mask, uint32_t threshold) {
  drop_body(weights, n, first, mask, threshold);
}
LIMBECK_ROW_CLONES void drop_weights(BFloat16* weights, int64_t n, int64_t first, MaskRow mask, uint32_t threshold) {
  drop_body(weights, n, first, mask, threshold);
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

template <bool kCapped, bool kDropped, class Number>
LIMBECK_ROW_BODY void block_body(const BlockGradient<Number>& b) {
  constexpr int64_t kNumbers = kCellNumbers<Number>;
  for (int64_t r = 0; r < b.keys; ++r)
    gradient_row_body<kCapped, kDropped>(b, r, b.ds_panel + r / kNumbers * kNumbers * kColumns + r % kNumbers);
  if (b.keys % kNumbers == 0) return;
  for (int64_t c = 0; c < kColumns; ++c) b.ds_panel[(b.keys - 1) * kColumns + 2 * c + 1] = {};
}
template <class Number>
LIMBECK_ROW_BODY void any_block(const BlockGradient<Number>& b) {
  const bool capped = b.softcap > 0, dropped = b.threshold > 0;
  if (capped && dropped) return block_body<true, true>(b);
  if (capped) return block_body<true, false>(b);
  if (dropped) return block_body<false, true>(b);
  block_body<false, false>(b);
}
LIMBECK_ROW_CLONES void block_gradient(const BlockGradient<float>& b) {
  any_block(b);
}
LIMBECK_ROW_CLONES void block_gradient(const BlockGradient<BFloat16>& b) {
  any_block(b);
}

}  // namespace limbeck::kernels
