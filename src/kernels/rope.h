// Rotary position embedding of heads, of all their elements or of the first ones only. Element i turns with element i +
// R/2 of the R that turn, or with its neighbour.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

enum class RotaryPairs { kHalfSplit, kInterleaved };  // i with i + R/2, or 2i with 2i + 1
enum class Turn { kForward, kBack };                  // back: by the negative angle, the gradient of forward

// Rotates `heads` heads of `head_dim` of each token; to may be from. Strides are numbers from token to token.
struct Rope {
  int64_t tokens = 0, heads = 0, head_dim = 0;
  int64_t rotary_dim = 0;      // even, of head_dim; the rest of a head stays as it is; 0: all of it turns
  const float* cos = nullptr;  // [tokens, rotary_dim/2]
  const float* sin = nullptr;
  Turn turn = Turn::kForward;
  RotaryPairs pairs = RotaryPairs::kHalfSplit;
};
void rotate(const Rope& rope, const float* from, int64_t from_stride, float* to, int64_t to_stride);
void rotate(const Rope& rope, const BFloat16* from, int64_t from_stride, BFloat16* to, int64_t to_stride);

}  // namespace limbeck::kernels
