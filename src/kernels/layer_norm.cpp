#include "kernels/layer_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

template <class Delta>
LIMBECK_ROW_BODY void add_body(const float* x, const Delta* delta, float* sum, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) sum[i] = x[i] + wide(delta[i]);
}
LIMBECK_ROW_CLONES void add(const float* x, const float* delta, float* sum, int64_t n) {
  add_body(x, delta, sum, n);
}
LIMBECK_ROW_CLONES void add(const float* x, const BFloat16* delta, float* sum, int64_t n) {
  add_body(x, delta, sum, n);
}

LIMBECK_ROW_CLONES float sum_of(const float* x, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  return sum;
}

// Σ (x - mean)², in a visit of its own: the difference of squares would cancel.
LIMBECK_ROW_CLONES float squares_around(const float* x, int64_t n, float mean) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += (x[i] - mean) * (x[i] - mean);
  return sum;
}

template <class Y>
LIMBECK_ROW_BODY void scale_body(const float* x, const LayerNorm& a, Y* y, float mean, float scale) {
  const float *weight = a.weight, *bias = a.bias;
#pragma omp simd
  for (int64_t i = 0; i < a.width; ++i) put(y[i], weight[i] * ((x[i] - mean) * scale) + bias[i]);
}
LIMBECK_ROW_CLONES void scale_row(const float* x, const LayerNorm& a, float* y, float mean, float scale) {
  scale_body(x, a, y, mean, scale);
}
LIMBECK_ROW_CLONES void scale_row(const float* x, const LayerNorm& a, BFloat16* y, float mean, float scale) {
  scale_body(x, a, y, mean, scale);
}

// With x̂ = (x - m)·s and g = dy·w: dx = s (g - mean(g) - x̂ mean(g x̂)), dw = Σ dy x̂ and db = Σ dy over rows.
template <class Dy>
LIMBECK_ROW_BODY void gradient_body(const float* x, const float* weight, const Dy* dy, float* dx, float* dweight,
                                    float* dbias, int64_t n, float mean, float scale) {
  float total = 0, product = 0;
#pragma omp simd reduction(+ : total, product)
  for (int64_t i = 0; i < n; ++i) {
    const float g = weight[i] * wide(dy[i]);
    total += g;
    product += g * (x[i] - mean);
  }
  const float level = total / static_cast<float>(n), along = scale * product / static_cast<float>(n);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float d = wide(dy[i]), normed = (x[i] - mean) * scale;
    dx[i] = scale * (d * weight[i] - level - normed * along);
    dweight[i] += d * normed;
    dbias[i] += d;
  }
}
LIMBECK_ROW_CLONES void gradient_row(const float* x, const float* w, const float* dy, float* dx, float* dw, float* db,
                                     int64_t n, float m, float s) {
  gradient_body(x, w, dy, dx, dw, db, n, m, s);
}
LIMBECK_ROW_CLONES void gradient_row(const float* x, const float* w, const BFloat16* dy, float* dx, float* dw,
                                     float* db, int64_t n, float m, float s) {
  gradient_body(x, w, dy, dx, dw, db, n, m, s);
}

LIMBECK_ROW_CLONES void round_row(const float* x, BFloat16* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(y[i], x[i]);
}

constexpr int64_t kRowsOfBlock = 64;  // whose weight gradients are added up by one thread

}  // namespace

void layer_norm(const LayerNorm& a) {
#pragma omp parallel for schedule(static) if (a.rows * a.width > kWorthThreads)
  for (int64_t r = 0; r < a.rows; ++r) {
    const int64_t at = r * a.width;
    const float* row = a.x + at;
    if (a.delta || a.delta_low) {
      if (a.delta)
        add(row, a.delta + at, a.sum + at, a.width);
      else
        add(row, a.delta_low + at, a.sum + at, a.width);
      row = a.sum + at;
    }
    const float width = static_cast<float>(a.width), mean = sum_of(row, a.width) / width;
    const float scale = 1 / std::sqrt(squares_around(row, a.width, mean) / width + a.epsilon);
    if (a.mean) a.mean[r] = mean;
    if (a.scale) a.scale[r] = scale;
    if (a.y)
      scale_row(row, a, a.y + at, mean, scale);
    else
      scale_row(row, a, a.y_low + at, mean, scale);
  }
}

void layer_norm_gradient(const LayerNormGradient& a) {
  const int64_t blocks = (a.rows + kRowsOfBlock - 1) / kRowsOfBlock, both = 2 * a.width;
  std::vector<float> partial(static_cast<std::size_t>(blocks * both), 0.0f);
#pragma omp parallel for schedule(static) if (a.rows * a.width > kWorthThreads)
  for (int64_t block = 0; block < blocks; ++block) {
    float *dweight = partial.data() + block * both, *dbias = dweight + a.width;
    for (int64_t r = block * kRowsOfBlock; r < std::min(a.rows, (block + 1) * kRowsOfBlock); ++r) {
      const int64_t at = r * a.width;
      float* dx = a.dx + at;
      if (a.dy)
        gradient_row(a.sum + at, a.weight, a.dy + at, dx, dweight, dbias, a.width, a.mean[r], a.scale[r]);
      else
        gradient_row(a.sum + at, a.weight, a.dy_low + at, dx, dweight, dbias, a.width, a.mean[r], a.scale[r]);
      if (a.dsum) add(dx, a.dsum + at, dx, a.width);
      if (a.dx_low) round_row(dx, a.dx_low + at, a.width);
    }
  }
  std::fill_n(a.dweight, a.width, 0.0f);
  std::fill_n(a.dbias, a.width, 0.0f);
  for (int64_t block = 0; block < blocks; ++block) {
    add(a.dweight, partial.data() + block * both, a.dweight, a.width);
    add(a.dbias, partial.data() + block * both + a.width, a.dbias, a.width);
  }
}

}  // namespace limbeck::kernels
