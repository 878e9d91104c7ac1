// Rotary position embedding of heads in the half-split layout: element i of a head turns with element i + E/2.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

enum class Turn { kForward, kBack };  // back: by the negative angle, the gradient of forward

// Rotates `heads` heads of `head_dim` (even) of each token; to may be from. Strides are numbers from token to token.
struct Rope {
  int64_t tokens = 0, heads = 0, head_dim = 0;
  const float* cos = nullptr;  // [tokens, head_dim/2]
  const float* sin = nullptr;
  Turn turn = Turn::kForward;
};
void rotate(const Rope& rope, const float* from, int64_t from_stride, float* to, int64_t to_stride);
void rotate(const Rope& rope, const BFloat16* from, int64_t from_stride, BFloat16* to, int64_t to_stride);

}  // namespace limbeck::kernels
