#include "nn/frozen_blocks.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"
#include "nn/packed_attention.h"

namespace limbeck::nn {
namespace {

constexpr int64_t kModelWidth = 32, kInnerWidth = 64, kNumHeads = 4;
const std::vector<int64_t> kTexts = {0, 5, 6, 31};

struct PlainBlock {
  at::Tensor qkv, qkv_bias, out, out_bias, in, in_bias, last, last_bias, norms;
  explicit PlainBlock(int64_t seed) {
    at::manual_seed(static_cast<uint64_t>(seed));
    const auto weight = [](int64_t n, int64_t k) { return at::randn({n, k}) * 0.2; };
    qkv = weight(3 * kModelWidth, kModelWidth), out = weight(kModelWidth, kModelWidth);
    in = weight(kInnerWidth, kModelWidth), last = weight(kModelWidth, kInnerWidth);
    qkv_bias = at::randn({3 * kModelWidth}), out_bias = at::randn({kModelWidth});
    in_bias = at::randn({kInnerWidth}), last_bias = at::randn({kModelWidth});
    norms = at::randn({4, kModelWidth}) * 0.1 + 1;
  }
  FrozenBlock frozen() const {
    const auto product = [](const at::Tensor& w, const at::Tensor& bias) {
      return FrozenProduct{pack_weight(w, WeightFormat::kFp32), bias};
    };
    return {product(qkv, qkv_bias), product(out, out_bias), product(in, in_bias),  product(last, last_bias),
            norms[0].contiguous(),  norms[1].contiguous(),  norms[2].contiguous(), norms[3].contiguous()};
  }
  at::Tensor forward(const at::Tensor& x) const {
    const auto parts =
        at::linear(x, qkv, qkv_bias).view({-1, 3 * kNumHeads, kModelWidth / kNumHeads}).split(kNumHeads, 1);
    const at::Tensor mixed =
        packed_attention(parts[0].to(at::kDouble), parts[1].to(at::kDouble), parts[2].to(at::kDouble),
                         {.offsets = kTexts, .causal = false}, {.scale = 1 / std::sqrt(8.0), .window = {}})
            .to(at::kFloat);
    const auto norm = [&](const at::Tensor& y, int i) {
      return at::layer_norm(y, {kModelWidth}, norms[i], norms[i + 1], 1e-6);
    };
    const at::Tensor h = norm(x + at::linear(mixed.reshape({-1, kModelWidth}), out, out_bias), 0);
    return norm(h + at::linear(at::gelu(at::linear(h, in, in_bias)), last, last_bias), 2);
  }
};

TEST(FrozenBlocks, EqualTheirLayersOneAfterTheOther) {
  at::NoGradGuard no_grad;
  const PlainBlock first(1), second(2);
  FrozenBlocks frozen{.heads = kNumHeads, .epsilon = 1e-6};
  frozen.blocks = {first.frozen(), second.frozen()};
  const at::Tensor x = at::randn({31, kModelWidth}), before = x.clone();
  const at::Tensor after_first = first.forward(x), expected = second.forward(after_first);
  EXPECT_LT(relative_error(frozen.forward(x, kTexts, {0, 1}), expected), 3e-6);
  EXPECT_LT(relative_error(frozen.forward(x, kTexts, {0, 0}), first.forward(after_first)), 3e-6);  // ALBERT's way
  EXPECT_TRUE(at::equal(x, before));
  at::Tensor qkv;
  EXPECT_LT(relative_error(frozen.forward(x, kTexts, 0, qkv), after_first), 3e-6);
  EXPECT_LT(relative_error(qkv, at::linear(x, first.qkv, first.qkv_bias)), 3e-6);
  frozen.precision = Precision::kBf16;
  EXPECT_LT(relative_error(frozen.forward(x, kTexts, {0, 1}), expected), 2e-2);
}

TEST(FrozenBlocks, RefuseDocumentsOfOtherTokens) {
  const PlainBlock block(1);
  FrozenBlocks frozen{.heads = kNumHeads, .epsilon = 1e-6};
  frozen.blocks = {block.frozen()};
  EXPECT_THROW(frozen.forward(at::zeros({30, kModelWidth}), kTexts, {0}), Error);
  EXPECT_THROW(frozen.forward(at::zeros({30, kModelWidth}), {}, {0}), Error);
}

}  // namespace
}  // namespace limbeck::nn
