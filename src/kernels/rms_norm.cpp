#include "kernels/rms_norm.h"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

LIMBECK_ROW_CLONES float sum_of_squares(const float* x, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}

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

template <class X, class Y>
LIMBECK_ROW_BODY void scale_body(const X* x, const float* weight, Y* y, int64_t n, float scale) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(y[i], weight[i] * (wide(x[i]) * scale));
}
LIMBECK_ROW_CLONES void scale_row(const float* x, const float* w, float* y, int64_t n, float s) {
  scale_body(x, w, y, n, s);
}
LIMBECK_ROW_CLONES void scale_row(const float* x, const float* w, BFloat16* y, int64_t n, float s) {
  scale_body(x, w, y, n, s);
}
LIMBECK_ROW_CLONES void scale_row(const BFloat16* x, const float* w, BFloat16* y, int64_t n, float s) {
  scale_body(x, w, y, n, s);
}

// With x̂ = x·s and g = dy·w: dx = s (g - x̂ mean(g x̂)), dw = Σ dy x̂ over rows.
template <class X, class Dy>
LIMBECK_ROW_BODY float dot_body(const X* x, const float* weight, const Dy* dy, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += wide(x[i]) * weight[i] * wide(dy[i]);
  return sum;
}
LIMBECK_ROW_CLONES float dot(const float* x, const float* w, const float* dy, int64_t n) {
  return dot_body(x, w, dy, n);
}
LIMBECK_ROW_CLONES float dot(const float* x, const float* w, const BFloat16* dy, int64_t n) {
  return dot_body(x, w, dy, n);
}
LIMBECK_ROW_CLONES float dot(const BFloat16* x, const float* w, const BFloat16* dy, int64_t n) {
  return dot_body(x, w, dy, n);
}

template <class X, class Dy>
LIMBECK_ROW_BODY void gradient_body(const X* x, const float* weight, const Dy* dy, float* dx, float* dweight, int64_t n,
                                    float scale, float along) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = wide(dy[i]), xi = wide(x[i]);
    dx[i] = scale * (g * weight[i] - xi * along);
    dweight[i] += g * (xi * scale);
  }
}
LIMBECK_ROW_CLONES void gradient_row(const float* x, const float* w, const float* dy, float* dx, float* dw, int64_t n,
                                     float s, float along) {
  gradient_body(x, w, dy, dx, dw, n, s, along);
}
LIMBECK_ROW_CLONES void gradient_row(const float* x, const float* w, const BFloat16* dy, float* dx, float* dw,
                                     int64_t n, float s, float along) {
  gradient_body(x, w, dy, dx, dw, n, s, along);
}
LIMBECK_ROW_CLONES void gradient_row(const BFloat16* x, const float* w, const BFloat16* dy, float* dx, float* dw,
                                     int64_t n, float s, float along) {
  gradient_body(x, w, dy, dx, dw, n, s, along);
}

LIMBECK_ROW_CLONES void round_row(const float* x, BFloat16* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(y[i], x[i]);
}

constexpr int64_t kRowsOfBlock = 64;  // whose weight gradients are added up by one thread

}  // namespace

void rms_norm(const RmsNorm& a) {
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
    if (a.sum_low) round_row(row, a.sum_low + at, a.width);
    const float scale = 1 / std::sqrt(sum_of_squares(row, a.width) / static_cast<float>(a.width) + a.epsilon);
    if (a.scale) a.scale[r] = scale;
    if (a.y)
      scale_row(row, a.weight, a.y + at, a.width, scale);
    else
      scale_row(row, a.weight, a.y_low + at, a.width, scale);
  }
}

namespace {

template <class X, class Dy>
void gradient_of_row(const RmsNormGradient& a, const X* x, const Dy* dy, int64_t row, float* dweight) {
  const int64_t at = row * a.width;
  const float scale = a.scale[row];
  float* dx = a.dx + at;
  const float along = scale * scale * dot(x, a.weight, dy, a.width) / static_cast<float>(a.width);
  gradient_row(x, a.weight, dy, dx, dweight, a.width, scale, along);
  if (a.dsum) add(dx, a.dsum + at, dx, a.width);
  if (a.dx_low) round_row(dx, a.dx_low + at, a.width);
  if constexpr (std::is_same_v<X, float>)
    if (a.y) scale_row(x, a.weight, a.y + at, a.width, scale);
  if (a.y_low) scale_row(x, a.weight, a.y_low + at, a.width, scale);
}

}  // namespace

void rms_norm_gradient(const RmsNormGradient& a) {
  const int64_t blocks = (a.rows + kRowsOfBlock - 1) / kRowsOfBlock;
  std::vector<float> partial(static_cast<std::size_t>(blocks * a.width), 0.0f);
#pragma omp parallel for schedule(static) if (a.rows * a.width > kWorthThreads)
  for (int64_t block = 0; block < blocks; ++block) {
    float* dweight = partial.data() + block * a.width;
    for (int64_t r = block * kRowsOfBlock; r < std::min(a.rows, (block + 1) * kRowsOfBlock); ++r) {
      const int64_t at = r * a.width;
      if (a.sum_low)
        gradient_of_row(a, a.sum_low + at, a.dy_low + at, r, dweight);
      else if (a.dy)
        gradient_of_row(a, a.sum + at, a.dy + at, r, dweight);
      else
        gradient_of_row(a, a.sum + at, a.dy_low + at, r, dweight);
    }
  }
  if (!a.dweight) return;
  std::fill_n(a.dweight, a.width, 0.0f);
  for (int64_t block = 0; block < blocks; ++block) add(a.dweight, partial.data() + block * a.width, a.dweight, a.width);
}

}  // namespace limbeck::kernels
