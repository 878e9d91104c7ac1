// Causal attention of whole documents and its gradient, on the register tiles of the packed products: the scores of one
// block of queries at a time, keys in the future never multiplied. Documents are computed one by one, so packing
// changes no bit of them, and threads share documents and key heads, so their number changes none either. Sums, scores
// and exponentials are fp32.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

struct CausalShape {
  std::span<const int64_t> offsets;  // document i is tokens offsets[i] .. offsets[i+1]
  int64_t heads = 0, key_heads = 0;  // heads is a multiple of key_heads
  int64_t head_dim = 0;              // even
  float scale = 1;                   // multiplies q·k
  int64_t window = 0;                // a token sees itself and window-1 before it; 0: all
  float softcap = 0;                 // scaled scores x become softcap·tanh(x / softcap) (Gemma 2); 0: as they are
};

// q [N,H,E], k and v [N,K,E], without gaps -> y [N,H,E]; log_sums [N,H] log Σ exp(scores), for the gradient.
void causal_attention(const CausalShape& shape, const float* q, const float* k, const float* v, float* y,
                      float* log_sums);
void causal_attention(const CausalShape& shape, const BFloat16* q, const BFloat16* k, const BFloat16* v, BFloat16* y,
                      float* log_sums);

template <class Number>
struct CausalGradient {
  const Number *q = nullptr, *k = nullptr, *v = nullptr, *y = nullptr, *dy = nullptr;
  const float* log_sums = nullptr;
  Number *dq = nullptr, *dk = nullptr, *dv = nullptr;
};
void causal_attention_gradient(const CausalShape& shape, const CausalGradient<float>& gradient);
void causal_attention_gradient(const CausalShape& shape, const CausalGradient<BFloat16>& gradient);

}  // namespace limbeck::kernels
