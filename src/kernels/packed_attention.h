// Attention of whole documents and its gradient, on the register tiles of the packed products: the scores of one block
// of queries at a time. Causal (keys in the future are never multiplied) or with the whole document in sight. Documents
// are computed one by one, so packing changes no bit of them, and threads share documents and key heads, so their
// number changes none either. Sums, scores and exponentials are fp32.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

struct AttentionShape {
  std::span<const int64_t> offsets;  // document i is tokens offsets[i] .. offsets[i+1]
  int64_t heads = 0, key_heads = 0;  // heads is a multiple of key_heads
  int64_t head_dim = 0;              // even
  float scale = 1;                   // multiplies q·k
  bool causal = true;                // a token sees itself and those before it; otherwise its whole document
  int64_t window = 0;                // causal: a token sees itself and window-1 before it; 0: all
  float softcap = 0;                 // scaled scores x become softcap·tanh(x / softcap) (Gemma 2); 0: as they are
  // Dropout of the weights: those left are divided by 1 - dropout. Drawn by (dropout_keys of the document, head, place
  // of the query, place of the key), see kernels/hashed_mask.h.
  double dropout = 0;
  std::span<const uint64_t> dropout_keys;  // [documents], when dropout > 0
  // Numbers from token to token in q, and in k and v; 0: without gaps.
  int64_t q_stride = 0, kv_stride = 0;
};

// q [N,H,E], k and v [N,K,E] -> y [N,H,E] without gaps; log_sums [N,H] log Σ exp(scores), for the gradient, or null.
void packed_attention(const AttentionShape& shape, const float* q, const float* k, const float* v, float* y,
                      float* log_sums);
void packed_attention(const AttentionShape& shape, const BFloat16* q, const BFloat16* k, const BFloat16* v, BFloat16* y,
                      float* log_sums);

// dq, dk and dv lie as q, k and v do; dy as y.
template <class Number>
struct AttentionGradient {
  const Number *q = nullptr, *k = nullptr, *v = nullptr, *y = nullptr, *dy = nullptr;
  const float* log_sums = nullptr;
  Number *dq = nullptr, *dk = nullptr, *dv = nullptr;
};
void packed_attention_gradient(const AttentionShape& shape, const AttentionGradient<float>& gradient);
void packed_attention_gradient(const AttentionShape& shape, const AttentionGradient<BFloat16>& gradient);

}  // namespace limbeck::kernels
