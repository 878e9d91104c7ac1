// How the tokens of one forward pass see each other. Everything in a model but attention works on single tokens, so a
// batch is a ragged run of tokens [N] (documents one after another, no padding) and a plan that says who sees whom.
// Training uses PackedCausal; generation uses a plan over a key/value cache that shares prompts (generate/). A model
// has one definition.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace limbeck::nn {

struct AttentionOptions {
  double scale = 1;               // multiplies q·k
  std::optional<int64_t> window;  // a token sees itself and the window-1 tokens before it (Mistral)
  double softcap = 0;             // scores x become softcap·tanh(x / softcap) (Gemma 2); 0: as they are
};

class AttentionPlan {
 public:
  virtual ~AttentionPlan() = default;
  virtual at::Tensor positions() const = 0;  // [N] int64: place in its own document
  // q [N,H,E], k and v [N,K,E] with H a multiple of K (grouped-query) -> [N,H,E]. Called once per layer, in order.
  virtual at::Tensor attend(int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const AttentionOptions& options) = 0;
};

// Documents offsets[i] .. offsets[i+1]; causal within, blind across. Differentiable.
std::unique_ptr<AttentionPlan> packed_causal(std::vector<int64_t> offsets);
// The same, but a token sees its whole document (encoders). `dropout` of the attention weights, drawn by (dropout_salt,
// layer, head, query, key); 0: none.
std::unique_ptr<AttentionPlan> packed_full(std::vector<int64_t> offsets, double dropout = 0, uint64_t dropout_salt = 0);

}  // namespace limbeck::nn
