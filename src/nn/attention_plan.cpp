#include "nn/attention_plan.h"

#include <ATen/ATen.h>

#include "base/errors.h"

namespace limbeck::nn {
namespace {

class PackedCausal final : public AttentionPlan {
 public:
  explicit PackedCausal(std::vector<int64_t> offsets) : offsets_(std::move(offsets)) {
    if (offsets_.size() < 2 || offsets_.front() != 0)
      fail("packed_causal", "expected offsets 0, …, N but received {} of them", offsets_.size());
    std::vector<at::Tensor> parts;
    for (std::size_t i = 0; i + 1 < offsets_.size(); ++i) {
      if (offsets_[i + 1] <= offsets_[i])
        fail("packed_causal", "expected growing offsets but received {} after {}", offsets_[i + 1], offsets_[i]);
      parts.push_back(at::arange(offsets_[i + 1] - offsets_[i], at::kLong));
    }
    positions_ = at::cat(parts);
  }

  at::Tensor positions() const override { return positions_; }

  at::Tensor attend(int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionOptions& options) override {
    if (q.size(0) != offsets_.back())
      fail("packed_causal", "expected {} tokens but received {}", offsets_.back(), q.size(0));
    std::vector<at::Tensor> parts;
    for (std::size_t i = 0; i + 1 < offsets_.size(); ++i) {
      const int64_t begin = offsets_[i], length = offsets_[i + 1] - begin;
      const auto document = [&](const at::Tensor& x) {
        return x.narrow(0, begin, length).transpose(0, 1).unsqueeze(0);
      };
      std::optional<at::Tensor> mask;
      if (options.window && *options.window < length) {
        const at::Tensor age = positions_.narrow(0, begin, length).unsqueeze(1) - positions_.narrow(0, begin, length);
        mask = (age >= 0).logical_and(age < *options.window);
      }
      const at::Tensor y = at::scaled_dot_product_attention(document(q), document(k), document(v), mask, 0.0, !mask,
                                                            options.scale, q.size(1) != k.size(1));
      parts.push_back(y.squeeze(0).transpose(0, 1));
    }
    return at::cat(parts);
  }

 private:
  std::vector<int64_t> offsets_;
  at::Tensor positions_;
};

}  // namespace

std::unique_ptr<AttentionPlan> packed_causal(std::vector<int64_t> offsets) {
  return std::make_unique<PackedCausal>(std::move(offsets));
}

}  // namespace limbeck::nn
