// The attention plan of generation: each sequence brings its new tokens, which see the sequence's cache and the prompt
// that it shares with others. Layers call attend() in turn; commit() afterwards makes the new tokens part of the
// caches.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "generate/kv_cache.h"
#include "nn/attention_plan.h"

namespace limbeck::generate {

struct Advance {
  KvPages* own = nullptr;
  const KvPages* prefix = nullptr;  // null for none; sequences with the same prefix should stand together
  int64_t num_tokens = 1;           // new ones, at least 1
};

class CachedPlan final : public nn::AttentionPlan {
 public:
  // Where the shape has one layer and the model more, all layers use the same pages one after another: for texts that
  // go through the model in one pass and leave nothing behind.
  CachedPlan(const kernels::KvShape& shape, std::vector<Advance> sequences);

  at::Tensor positions() const override { return positions_; }
  at::Tensor attend(int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const nn::AttentionOptions& options) override;
  void commit();
  int64_t num_tokens() const { return num_tokens_; }
  // Row of each sequence's last new token, [sequences] int64.
  at::Tensor last_rows() const;

 private:
  kernels::KvShape shape_;
  std::vector<Advance> sequences_;
  std::vector<kernels::CachedSequence> cached_;
  int64_t num_tokens_ = 0;
  at::Tensor positions_;
};

}  // namespace limbeck::generate
