// The activations of feed-forward blocks, of rows as they are and of rows that hold a gate and then what it lets
// through. Computed in fp32. silu of gated rows has a kernel of its own (kernels/swiglu.h).
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

enum class Activation {
  kGelu,       // x Φ(x), Φ the normal distribution (Hendrycks and Gimpel, arXiv:1606.08415)
  kGeluTanh,   // its approximation x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))): gelu_new, gelu_pytorch_tanh, gelu_fast
  kQuickGelu,  // x sigmoid(1.702 x)
  kSilu,       // x sigmoid(x)
  kRelu,
};

void activate(Activation kind, const float* x, float* y, int64_t n);
void activate(Activation kind, const BFloat16* x, BFloat16* y, int64_t n);
void activate_gradient(Activation kind, const float* x, const float* dy, float* dx, int64_t n);
void activate_gradient(Activation kind, const BFloat16* x, const BFloat16* dy, BFloat16* dx, int64_t n);

// gate_up [rows, 2·width] -> y = activation(gate) · up [rows, width]
void activate_gated(Activation kind, const float* gate_up, float* y, int64_t rows, int64_t width);
void activate_gated(Activation kind, const BFloat16* gate_up, BFloat16* y, int64_t rows, int64_t width);
// dy [rows, width] -> dgate_up [rows, 2·width]
void activate_gated_gradient(Activation kind, const float* gate_up, const float* dy, float* dgate_up, int64_t rows,
                             int64_t width);
void activate_gated_gradient(Activation kind, const BFloat16* gate_up, const BFloat16* dy, BFloat16* dgate_up,
                             int64_t rows, int64_t width);

}  // namespace limbeck::kernels
