// Rotary position embedding (Su et al. 2021, arXiv:2104.09864) in the half-split layout of Hugging Face's Llama, with
// the published ways of stretching it: position interpolation (linear, arXiv:2306.15595), dynamic NTK, YaRN
// (arXiv:2309.00071) and Llama 3.1's.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/rope.h"

namespace limbeck::nn {

enum class RopeKind { kDefault, kLinear, kDynamic, kLlama3, kYarn };

struct RopeOptions {
  RopeKind kind = RopeKind::kDefault;
  int64_t head_dim = 0;  // even; of what turns, where that is not all of a head
  double theta = 10000, factor = 1;
  int64_t max_positions = 2048;                                    // dynamic: longer documents change the base
  int64_t original_max_positions = 2048;                           // llama3, yarn: of pretraining
  double low_freq_factor = 1, high_freq_factor = 4;                // llama3
  double beta_fast = 32, beta_slow = 1;                            // yarn
  std::optional<double> attention_factor, mscale, mscale_all_dim;  // yarn: multiply cos and sin
  bool truncate = true;                                            // yarn: whole dimensions at the ends of the ramp
};

// Angles of the tokens of one pass; the same for all layers.
struct RopeTable {
  at::Tensor cos, sin;  // [N,E/2] fp32, the attention factor multiplied in
};

class Rope {
 public:
  explicit Rope(const RopeOptions& options);
  // positions [N] int64. Dynamic NTK counts a run of successive positions as one document.
  RopeTable table(const at::Tensor& positions) const;
  double attention_factor() const { return attention_factor_; }
  const std::vector<float>& inverse_frequencies() const { return inverse_frequencies_; }  // [E/2]

 private:
  RopeOptions options_;
  std::vector<float> inverse_frequencies_;
  double attention_factor_ = 1;
};

using kernels::RotaryPairs;

struct HeadCounts {
  int64_t queries = 0, keys = 0;  // H, K
  int64_t head_dim = 0;           // E, where only the first numbers of a head turn; 0: all that the table has turn
  RotaryPairs pairs = RotaryPairs::kHalfSplit;
};

struct Heads {
  at::Tensor q, k, v;  // [N,H,E], [N,K,E], [N,K,E]
};

// qkv [N, (H+2K)·E], as the joint product leaves it -> its heads, queries and keys rotated, in its dtype.
// Differentiable in qkv.
Heads rotate_heads(const at::Tensor& qkv, const RopeTable& table, const HeadCounts& counts);
// The same without rotation, for models whose embedding says the position.
Heads split_heads(const at::Tensor& qkv, const HeadCounts& counts);

}  // namespace limbeck::nn
