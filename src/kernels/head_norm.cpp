#include "kernels/head_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

template <class T>
LIMBECK_ROW_BODY float squares_body(const T* x, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += wide(x[i]) * wide(x[i]);
  return sum;
}
LIMBECK_ROW_CLONES float squares(const float* x, int64_t n) {
  return squares_body(x, n);
}
LIMBECK_ROW_CLONES float squares(const BFloat16* x, int64_t n) {
  return squares_body(x, n);
}

template <class T>
LIMBECK_ROW_BODY void scale_body(const T* x, const float* weight, T* y, int64_t n, float scale) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(y[i], weight[i] * (wide(x[i]) * scale));
}
LIMBECK_ROW_CLONES void scale_head(const float* x, const float* w, float* y, int64_t n, float s) {
  scale_body(x, w, y, n, s);
}
LIMBECK_ROW_CLONES void scale_head(const BFloat16* x, const float* w, BFloat16* y, int64_t n, float s) {
  scale_body(x, w, y, n, s);
}

// With x̂ = x·s and g = dy·w: dx = s (g - x̂ mean(g x̂)), dw = Σ dy x̂.
template <class T>
LIMBECK_ROW_BODY void gradient_body(const T* x, const float* weight, const T* dy, T* dx, float* dweight, int64_t n,
                                    float scale) {
  float product = 0;
#pragma omp simd reduction(+ : product)
  for (int64_t i = 0; i < n; ++i) product += wide(x[i]) * weight[i] * wide(dy[i]);
  const float along = scale * scale * product / static_cast<float>(n);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = wide(dy[i]), value = wide(x[i]);
    put(dx[i], scale * (g * weight[i] - value * along));
    dweight[i] += g * (value * scale);
  }
}
LIMBECK_ROW_CLONES void gradient_head(const float* x, const float* w, const float* dy, float* dx, float* dw, int64_t n,
                                      float s) {
  gradient_body(x, w, dy, dx, dw, n, s);
}
LIMBECK_ROW_CLONES void gradient_head(const BFloat16* x, const float* w, const BFloat16* dy, BFloat16* dx, float* dw,
                                      int64_t n, float s) {
  gradient_body(x, w, dy, dx, dw, n, s);
}

constexpr int64_t kTokensOfBlock = 64;  // whose weight gradients are added up by one thread

template <class T>
void forward(const HeadNorm& a, const T* x, T* y, float* scales) {
#pragma omp parallel for schedule(static) if (a.tokens * a.heads * a.dim > kWorthThreads)
  for (int64_t t = 0; t < a.tokens; ++t)
    for (int64_t h = 0; h < a.heads; ++h) {
      const int64_t at = t * a.stride + h * a.dim;
      const float scale = 1 / std::sqrt(squares(x + at, a.dim) / static_cast<float>(a.dim) + a.epsilon);
      if (scales) scales[t * a.heads + h] = scale;
      scale_head(x + at, a.weight, y + at, a.dim, scale);
    }
}

template <class T>
void gradient(const HeadNorm& a, const T* x, const float* scales, const T* dy, T* dx, float* dweight) {
  const int64_t blocks = (a.tokens + kTokensOfBlock - 1) / kTokensOfBlock;
  std::vector<float> partial(static_cast<std::size_t>(blocks * a.dim), 0.0f);
#pragma omp parallel for schedule(static) if (a.tokens * a.heads * a.dim > kWorthThreads)
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t t = block * kTokensOfBlock; t < std::min(a.tokens, (block + 1) * kTokensOfBlock); ++t)
      for (int64_t h = 0; h < a.heads; ++h) {
        const int64_t at = t * a.stride + h * a.dim;
        gradient_head(x + at, a.weight, dy + at, dx + at, partial.data() + block * a.dim, a.dim,
                      scales[t * a.heads + h]);
      }
  std::fill_n(dweight, a.dim, 0.0f);
  for (int64_t block = 0; block < blocks; ++block)
    for (int64_t i = 0; i < a.dim; ++i) dweight[i] += partial[block * a.dim + i];
}

}  // namespace

void head_norm(const HeadNorm& norm, const float* x, float* y, float* scale) {
  forward(norm, x, y, scale);
}
void head_norm(const HeadNorm& norm, const BFloat16* x, BFloat16* y, float* scale) {
  forward(norm, x, y, scale);
}
void head_norm_gradient(const HeadNorm& norm, const float* x, const float* scale, const float* dy, float* dx,
                        float* dweight) {
  gradient(norm, x, scale, dy, dx, dweight);
}
void head_norm_gradient(const HeadNorm& norm, const BFloat16* x, const float* scale, const BFloat16* dy, BFloat16* dx,
                        float* dweight) {
  gradient(norm, x, scale, dy, dx, dweight);
}

}  // namespace limbeck::kernels
