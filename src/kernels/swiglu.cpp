#include "kernels/swiglu.h"

#include <vector>

#include "kernels/exp.h"
#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

// 1 / (1 + e^-x), from e^-|x| so that nothing overflows.
LIMBECK_ROW_BODY float sigmoid(float x) {
  const float e = exp_of_negative(x < 0 ? x : -x);
  return (x < 0 ? e : 1.0f) / (1.0f + e);
}

template <class T>
LIMBECK_ROW_BODY void forward_body(const T* gate, const T* up, T* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = wide(gate[i]);
    put(y[i], g * sigmoid(g) * wide(up[i]));
  }
}
LIMBECK_ROW_CLONES void forward_row(const float* gate, const float* up, float* y, int64_t n) {
  forward_body(gate, up, y, n);
}
LIMBECK_ROW_CLONES void forward_row(const BFloat16* gate, const BFloat16* up, BFloat16* y, int64_t n) {
  forward_body(gate, up, y, n);
}

// silu'(g) = s + g s (1 - s)
template <class T>
LIMBECK_ROW_BODY void gradient_body(const T* gate, const T* up, const T* dy, T* dgate, T* dup, T* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = wide(gate[i]), u = wide(up[i]), d = wide(dy[i]);
    const float s = sigmoid(g), silu = g * s;
    put(dgate[i], d * u * (s + silu * (1 - s)));
    put(dup[i], d * silu);
    put(y[i], silu * u);
  }
}
LIMBECK_ROW_CLONES void gradient_row(const float* g, const float* u, const float* dy, float* dg, float* du, float* y,
                                     int64_t n) {
  gradient_body(g, u, dy, dg, du, y, n);
}
LIMBECK_ROW_CLONES void gradient_row(const BFloat16* g, const BFloat16* u, const BFloat16* dy, BFloat16* dg,
                                     BFloat16* du, BFloat16* y, int64_t n) {
  gradient_body(g, u, dy, dg, du, y, n);
}

template <class T>
void forward(const T* gate_up, T* y, int64_t rows, int64_t width) {
#pragma omp parallel for schedule(static) if (rows * width > kWorthThreads)
  for (int64_t r = 0; r < rows; ++r)
    forward_row(gate_up + 2 * r * width, gate_up + (2 * r + 1) * width, y + r * width, width);
}

template <class T>
void gradient(const T* gate_up, const T* dy, T* dgate_up, T* y, int64_t rows, int64_t width) {
#pragma omp parallel if (rows * width > kWorthThreads)
  {
    std::vector<T> unwanted(y ? 0 : width);
#pragma omp for schedule(static)
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t gate = 2 * r * width, up = gate + width;
      gradient_row(gate_up + gate, gate_up + up, dy + r * width, dgate_up + gate, dgate_up + up,
                   y ? y + r * width : unwanted.data(), width);
    }
  }
}

}  // namespace

void swiglu(const float* gate_up, float* y, int64_t rows, int64_t width) {
  forward(gate_up, y, rows, width);
}
void swiglu(const BFloat16* gate_up, BFloat16* y, int64_t rows, int64_t width) {
  forward(gate_up, y, rows, width);
}
void swiglu_gradient(const float* gate_up, const float* dy, float* dgate_up, float* y, int64_t rows, int64_t width) {
  gradient(gate_up, dy, dgate_up, y, rows, width);
}
void swiglu_gradient(const BFloat16* gate_up, const BFloat16* dy, BFloat16* dgate_up, BFloat16* y, int64_t rows,
                     int64_t width) {
  gradient(gate_up, dy, dgate_up, y, rows, width);
}

}  // namespace limbeck::kernels
