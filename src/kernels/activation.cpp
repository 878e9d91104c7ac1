#include "kernels/activation.h"

#include <algorithm>

#include "kernels/exp.h"
#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

// 1 / (1 + e^-x), from e^-|x| so that nothing overflows.
LIMBECK_ROW_BODY float sigmoid(float x) {
  const float e = exp_of_negative(x < 0 ? x : -x);
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}

struct Slope {
  float value, slope;  // f(x), f'(x)
};

// Φ by the complementary error function of Abramowitz and Stegun 7.1.26, within 1.5e-7.
struct Gelu {
  LIMBECK_ROW_BODY static Slope at(float x) {
    const float size = x < 0 ? -x : x;
    const float t = 1 / (1 + 0.3275911f * 0.70710678f * size);
    const float bell = exp_of_negative(-0.5f * x * x);  // √(2π) times the density
    float p = 1.061405429f;
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const float tail = 0.5f * p * t * bell, phi = x < 0 ? tail : 1 - tail;
    return {x * phi, phi + x * 0.39894228f * bell};
  }
};

struct GeluTanh {
  LIMBECK_ROW_BODY static Slope at(float x) {
    constexpr float kRoot = 0.79788456f, kCube = 0.044715f;  // √(2/π)
    const float t = hyperbolic_tangent(kRoot * (x + kCube * x * x * x));
    return {0.5f * x * (1 + t), 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * kRoot * (1 + 3 * kCube * x * x)};
  }
};

struct QuickGelu {
  LIMBECK_ROW_BODY static Slope at(float x) {
    const float s = sigmoid(1.702f * x);
    return {x * s, s + 1.702f * x * s * (1 - s)};
  }
};

struct Silu {
  LIMBECK_ROW_BODY static Slope at(float x) {
    const float s = sigmoid(x);
    return {x * s, s + x * s * (1 - s)};
  }
};

struct Relu {
  LIMBECK_ROW_BODY static Slope at(float x) { return {x > 0 ? x : 0, x > 0 ? 1.0f : 0.0f}; }
};

template <class F, class T>
LIMBECK_ROW_BODY void plain_body(const T* x, T* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(y[i], F::at(wide(x[i])).value);
}
template <class F, class T>
LIMBECK_ROW_BODY void plain_gradient_body(const T* x, const T* dy, T* dx, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(dx[i], F::at(wide(x[i])).slope * wide(dy[i]));
}
template <class F, class T>
LIMBECK_ROW_BODY void gated_body(const T* gate, const T* up, T* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(y[i], F::at(wide(gate[i])).value * wide(up[i]));
}
template <class F, class T>
LIMBECK_ROW_BODY void gated_gradient_body(const T* gate, const T* up, const T* dy, T* dgate, T* dup, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const Slope f = F::at(wide(gate[i]));
    const float d = wide(dy[i]);
    put(dgate[i], d * wide(up[i]) * f.slope);
    put(dup[i], d * f.value);
  }
}

template <class T>
LIMBECK_ROW_BODY void plain_any(Activation kind, const T* x, T* y, int64_t n) {
  switch (kind) {
    case Activation::kGelu:
      return plain_body<Gelu>(x, y, n);
    case Activation::kGeluTanh:
      return plain_body<GeluTanh>(x, y, n);
    case Activation::kQuickGelu:
      return plain_body<QuickGelu>(x, y, n);
    case Activation::kSilu:
      return plain_body<Silu>(x, y, n);
    case Activation::kRelu:
      return plain_body<Relu>(x, y, n);
  }
}
template <class T>
LIMBECK_ROW_BODY void plain_gradient_any(Activation kind, const T* x, const T* dy, T* dx, int64_t n) {
  switch (kind) {
    case Activation::kGelu:
      return plain_gradient_body<Gelu>(x, dy, dx, n);
    case Activation::kGeluTanh:
      return plain_gradient_body<GeluTanh>(x, dy, dx, n);
    case Activation::kQuickGelu:
      return plain_gradient_body<QuickGelu>(x, dy, dx, n);
    case Activation::kSilu:
      return plain_gradient_body<Silu>(x, dy, dx, n);
    case Activation::kRelu:
      return plain_gradient_body<Relu>(x, dy, dx, n);
  }
}
template <class T>
LIMBECK_ROW_BODY void gated_any(Activation kind, const T* gate, const T* up, T* y, int64_t n) {
  switch (kind) {
    case Activation::kGelu:
      return gated_body<Gelu>(gate, up, y, n);
    case Activation::kGeluTanh:
      return gated_body<GeluTanh>(gate, up, y, n);
    case Activation::kQuickGelu:
      return gated_body<QuickGelu>(gate, up, y, n);
    case Activation::kSilu:
      return gated_body<Silu>(gate, up, y, n);
    case Activation::kRelu:
      return gated_body<Relu>(gate, up, y, n);
  }
}
template <class T>
LIMBECK_ROW_BODY void gated_gradient_any(Activation kind, const T* gate, const T* up, const T* dy, T* dgate, T* dup,
                                         int64_t n) {
  switch (kind) {
    case Activation::kGelu:
      return gated_gradient_body<Gelu>(gate, up, dy, dgate, dup, n);
    case Activation::kGeluTanh:
      return gated_gradient_body<GeluTanh>(gate, up, dy, dgate, dup, n);
    case Activation::kQuickGelu:
      return gated_gradient_body<QuickGelu>(gate, up, dy, dgate, dup, n);
    case Activation::kSilu:
      return gated_gradient_body<Silu>(gate, up, dy, dgate, dup, n);
    case Activation::kRelu:
      return gated_gradient_body<Relu>(gate, up, dy, dgate, dup, n);
  }
}

LIMBECK_ROW_CLONES void plain_row(Activation kind, const float* x, float* y, int64_t n) {
  plain_any(kind, x, y, n);
}
LIMBECK_ROW_CLONES void plain_gradient_row(Activation kind, const float* x, const float* dy, float* dx, int64_t n) {
  plain_gradient_any(kind, x, dy, dx, n);
}
LIMBECK_ROW_CLONES void gated_row(Activation kind, const float* gate, const float* up, float* y, int64_t n) {
  gated_any(kind, gate, up, y, n);
}
LIMBECK_ROW_CLONES void gated_gradient_row(Activation kind, const float* gate, const float* up, const float* dy,
                                           float* dgate, float* dup, int64_t n) {
  gated_gradient_any(kind, gate, up, dy, dgate, dup, n);
}
LIMBECK_ROW_CLONES void plain_row(Activation kind, const BFloat16* x, BFloat16* y, int64_t n) {
  plain_any(kind, x, y, n);
}
LIMBECK_ROW_CLONES void plain_gradient_row(Activation kind, const BFloat16* x, const BFloat16* dy, BFloat16* dx,
                                           int64_t n) {
  plain_gradient_any(kind, x, dy, dx, n);
}
LIMBECK_ROW_CLONES void gated_row(Activation kind, const BFloat16* gate, const BFloat16* up, BFloat16* y, int64_t n) {
  gated_any(kind, gate, up, y, n);
}
LIMBECK_ROW_CLONES void gated_gradient_row(Activation kind, const BFloat16* gate, const BFloat16* up,
                                           const BFloat16* dy, BFloat16* dgate, BFloat16* dup, int64_t n) {
  gated_gradient_any(kind, gate, up, dy, dgate, dup, n);
}

constexpr int64_t kPiece = 4096;  // numbers that a thread takes at once

// f(first number, count) over pieces of n numbers.
template <class F>
void each_piece(int64_t n, const F& f) {
#pragma omp parallel for schedule(static) if (n > kWorthThreads)
  for (int64_t begin = 0; begin < n; begin += kPiece) f(begin, std::min(kPiece, n - begin));
}

template <class T>
void gated_rows(Activation kind, const T* gate_up, T* y, int64_t rows, int64_t width) {
#pragma omp parallel for schedule(static) if (rows * width > kWorthThreads)
  for (int64_t r = 0; r < rows; ++r)
    gated_row(kind, gate_up + 2 * r * width, gate_up + (2 * r + 1) * width, y + r * width, width);
}

template <class T>
void gated_gradient_rows(Activation kind, const T* gate_up, const T* dy, T* dgate_up, int64_t rows, int64_t width) {
#pragma omp parallel for schedule(static) if (rows * width > kWorthThreads)
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t gate = 2 * r * width, up = gate + width;
    gated_gradient_row(kind, gate_up + gate, gate_up + up, dy + r * width, dgate_up + gate, dgate_up + up, width);
  }
}

}  // namespace

void activate(Activation kind, const float* x, float* y, int64_t n) {
  each_piece(n, [&](int64_t at, int64_t count) { plain_row(kind, x + at, y + at, count); });
}
void activate_gradient(Activation kind, const float* x, const float* dy, float* dx, int64_t n) {
  each_piece(n, [&](int64_t at, int64_t count) { plain_gradient_row(kind, x + at, dy + at, dx + at, count); });
}
void activate_gated(Activation kind, const float* gate_up, float* y, int64_t rows, int64_t width) {
  gated_rows(kind, gate_up, y, rows, width);
}
void activate_gated_gradient(Activation kind, const float* gate_up, const float* dy, float* dgate_up, int64_t rows,
                             int64_t width) {
  gated_gradient_rows(kind, gate_up, dy, dgate_up, rows, width);
}
void activate(Activation kind, const BFloat16* x, BFloat16* y, int64_t n) {
  each_piece(n, [&](int64_t at, int64_t count) { plain_row(kind, x + at, y + at, count); });
}
void activate_gradient(Activation kind, const BFloat16* x, const BFloat16* dy, BFloat16* dx, int64_t n) {
  each_piece(n, [&](int64_t at, int64_t count) { plain_gradient_row(kind, x + at, dy + at, dx + at, count); });
}
void activate_gated(Activation kind, const BFloat16* gate_up, BFloat16* y, int64_t rows, int64_t width) {
  gated_rows(kind, gate_up, y, rows, width);
}
void activate_gated_gradient(Activation kind, const BFloat16* gate_up, const BFloat16* dy, BFloat16* dgate_up,
                             int64_t rows, int64_t width) {
  gated_gradient_rows(kind, gate_up, dy, dgate_up, rows, width);
}

}  // namespace limbeck::kernels
