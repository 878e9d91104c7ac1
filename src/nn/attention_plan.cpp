#include "nn/attention_plan.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "base/seeds.h"
#include "nn/packed_attention.h"

namespace limbeck::nn {
namespace {

class PackedPlan final : public AttentionPlan {
 public:
  struct Kind {
    const char* name;
    bool causal;
    double dropout = 0;
    uint64_t dropout_salt = 0;
    std::vector<uint64_t> document_keys;
  };
  PackedPlan(std::vector<int64_t> offsets, Kind kind) : offsets_(std::move(offsets)), kind_(std::move(kind)) {
    if (offsets_.size() < 2 || offsets_.front() != 0)
      fail(kind_.name, "expected offsets 0, …, N but received {} of them", offsets_.size());
    for (std::size_t i = 1; i < offsets_.size(); ++i)
      if (offsets_[i] <= offsets_[i - 1])
        fail(kind_.name, "expected growing offsets but received {} after {}", offsets_[i], offsets_[i - 1]);
    if (!(kind_.dropout >= 0) || kind_.dropout >= 1)
      fail(kind_.name, "expected dropout of 0 to below 1 but received {}", kind_.dropout);
    if (!kind_.document_keys.empty() && kind_.document_keys.size() != offsets_.size() - 1)
      fail(kind_.name, "expected a key for each of {} documents but received {}", offsets_.size() - 1,
           kind_.document_keys.size());
    positions_ = at::empty({offsets_.back()}, at::kLong);
    int64_t* position = positions_.mutable_data_ptr<int64_t>();
    for (std::size_t i = 1; i < offsets_.size(); ++i)
      for (int64_t t = offsets_[i - 1]; t < offsets_[i]; ++t) position[t] = t - offsets_[i - 1];
  }

  at::Tensor positions() const override { return positions_; }
  bool shows_whole_documents() const { return !kind_.causal && kind_.dropout == 0; }
  const std::vector<int64_t>& offsets() const { return offsets_; }

  at::Tensor attend(int64_t layer, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionOptions& options) override {
    if (q.size(0) != offsets_.back())
      fail(kind_.name, "expected {} tokens but received {}", offsets_.back(), q.size(0));
    if (k.size(1) < 1 || q.size(1) % k.size(1) != 0)
      fail(kind_.name, "expected query heads in a multiple of {} key heads but received {}", k.size(1), q.size(1));
    if (options.window && !kind_.causal) fail(kind_.name, "expected no window but received {}", *options.window);
    return packed_attention(
        q, k, v,
        {.offsets = offsets_, .causal = kind_.causal, .dropout = kind_.dropout, .dropout_keys = dropout_keys(layer)},
        options);
  }

 private:
  std::vector<uint64_t> dropout_keys(int64_t layer) const {
    std::vector<uint64_t> keys;
    if (kind_.dropout == 0) return keys;
    const Seed seed = Seed(kind_.dropout_salt).derive(static_cast<uint64_t>(layer));
    for (std::size_t i = 0; i + 1 < offsets_.size(); ++i)
      keys.push_back(seed.derive(kind_.document_keys.empty() ? i : kind_.document_keys[i]).value());
    return keys;
  }

  std::vector<int64_t> offsets_;
  Kind kind_;
  at::Tensor positions_;
};

}  // namespace

std::unique_ptr<AttentionPlan> packed_causal(std::vector<int64_t> offsets) {
  return std::make_unique<PackedPlan>(std::move(offsets), PackedPlan::Kind{.name = "packed_causal", .causal = true});
}

std::unique_ptr<AttentionPlan> packed_full(std::vector<int64_t> offsets, double dropout, uint64_t dropout_salt) {
  return packed_full(std::move(offsets), dropout, dropout_salt, {});
}

std::unique_ptr<AttentionPlan> packed_full(std::vector<int64_t> offsets, double dropout, uint64_t dropout_salt,
                                           std::vector<uint64_t> document_keys) {
  return std::make_unique<PackedPlan>(std::move(offsets), PackedPlan::Kind{.name = "packed_full",
                                                                           .causal = false,
                                                                           .dropout = dropout,
                                                                           .dropout_salt = dropout_salt,
                                                                           .document_keys = std::move(document_keys)});
}

const std::vector<int64_t>* whole_documents(const AttentionPlan& plan) {
  const auto* packed = dynamic_cast<const PackedPlan*>(&plan);
  return packed && packed->shows_whole_documents() ? &packed->offsets() : nullptr;
}

}  // namespace limbeck::nn
