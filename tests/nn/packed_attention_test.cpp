#include "nn/packed_attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "kernels/hashed_mask.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

// Softmax over an explicit mask of who sees whom in all of the pack, times one of what dropout leaves.
at::Tensor by_mask(const std::vector<at::Tensor>& in, const PackedDocuments& documents,
                   const AttentionOptions& options) {
  const int64_t n = in[0].size(0), num_heads = in[0].size(1), group = num_heads / in[1].size(1);
  at::Tensor seen = at::zeros({n, n}, at::kBool), kept = at::ones({num_heads, n, n}, at::kDouble);
  for (std::size_t d = 0; d + 1 < documents.offsets.size(); ++d) {
    const int64_t begin = documents.offsets[d], end = documents.offsets[d + 1];
    for (int64_t t = begin; t < end; ++t)
      for (int64_t s = begin; s < end; ++s) {
        if (documents.causal && (s > t || (options.window && t - s >= *options.window))) continue;
        seen[t][s] = true;
        for (int64_t h = 0; documents.dropout > 0 && h < num_heads; ++h) {
          const auto row = kernels::attention_mask_row(documents.dropout_keys[d], num_heads, h, t - begin);
          const bool drop = kernels::drawn(static_cast<uint32_t>(s - begin), row.low, row.high) <
                            kernels::mask_threshold(documents.dropout);
          kept[h][t][s] = drop ? 0 : 1 / (1 - documents.dropout);
        }
      }
  }
  const auto heads = [](const at::Tensor& x) { return x.transpose(0, 1); };
  const at::Tensor k = in[1].repeat_interleave(group, 1), v = in[2].repeat_interleave(group, 1);
  at::Tensor scores = at::matmul(heads(in[0]), heads(k).transpose(1, 2)) * options.scale;
  if (options.softcap > 0) scores = at::tanh(scores / options.softcap) * options.softcap;
  const at::Tensor weights = at::softmax(scores.masked_fill(~seen, -1e30), -1) * kept;
  return at::matmul(weights, heads(v)).transpose(0, 1);
}

std::vector<at::Tensor> random_heads(int64_t n, int64_t heads, int64_t key_heads, int64_t dim) {
  at::manual_seed(static_cast<uint64_t>(n));
  return {exact_randn({n, heads, dim}), exact_randn({n, key_heads, dim}), exact_randn({n, key_heads, dim})};
}

void expect_equal_to_mask(const PackedDocuments& documents, const AttentionOptions& options) {
  const auto ours = [&](const std::vector<at::Tensor>& in) {
    return Results{packed_attention(in[0], in[1], in[2], documents, options)};
  };
  const auto mask = [&](const std::vector<at::Tensor>& in) { return Results{by_mask(in, documents, options)}; };
  const auto inputs = random_heads(documents.offsets.back(), 6, 2, 16);
  std::vector<at::Tensor> wide, low;
  for (const at::Tensor& x : inputs) wide.push_back(x.to(at::kDouble)), low.push_back(x.to(at::kBFloat16));
  const at::Tensor expected = mask(wide)[0];
  EXPECT_LT(relative_error(ours(inputs)[0], expected), 1e-6);
  EXPECT_LT(relative_error(ours(low)[0], expected), 1e-2);
  EXPECT_LT(relative_error(ours(wide)[0], expected), 1e-7);  // LibTorch's path for other types; masks are fp32
  const auto gradients = gradients_of(ours, inputs), low_gradients = gradients_of(ours, low);
  const auto wide_gradients = gradients_of(ours, wide), expected_gradients = gradients_of(mask, wide);
  for (int i = 0; i < 3; ++i) {
    EXPECT_LT(relative_error(gradients[i], expected_gradients[i]), 2e-6) << i;
    EXPECT_LT(relative_error(low_gradients[i], expected_gradients[i]), 2e-2) << i;
    EXPECT_LT(relative_error(wide_gradients[i], expected_gradients[i]), 1e-7) << i;
  }
}

const std::vector<int64_t> kDocuments = {0, 3, 52, 60, 61}, kTwo = {0, 3, 60}, kLong = {0, 130};

TEST(PackedAttention, CausalEqualsAnExplicitMask) {
  expect_equal_to_mask({.offsets = kDocuments}, {.scale = 0.25, .window = {}});
}

TEST(PackedAttention, AWindowEqualsAnExplicitMask) {
  expect_equal_to_mask({.offsets = kTwo}, {.scale = 0.25, .window = 5});
  expect_equal_to_mask({.offsets = kLong}, {.scale = 0.25, .window = 50});
}

TEST(PackedAttention, CappedScoresEqualTheirDefinition) {
  expect_equal_to_mask({.offsets = kDocuments}, {.scale = 0.25, .window = {}, .softcap = 1.5});
  expect_equal_to_mask({.offsets = kLong}, {.scale = 0.5, .window = 50, .softcap = 2});
}

TEST(PackedAttention, FullEqualsAnExplicitMask) {
  expect_equal_to_mask({.offsets = kDocuments, .causal = false}, {.scale = 0.25, .window = {}});
  expect_equal_to_mask({.offsets = kLong, .causal = false}, {.scale = 0.25, .window = {}});
}

TEST(PackedAttention, DropoutEqualsItsMask) {
  expect_equal_to_mask({.offsets = kDocuments, .causal = false, .dropout = 0.3, .dropout_keys = {4, 8, 1, 3}},
                       {.scale = 0.25, .window = {}});
  expect_equal_to_mask({.offsets = kTwo, .dropout = 0.1, .dropout_keys = {7, 7}}, {.scale = 0.25, .window = 20});
}

TEST(PackedAttention, PartsOfOneProductNeedNoCopyAndGiveTheSame) {
  const auto in = random_heads(61, 3, 3, 16);
  const PackedDocuments documents{.offsets = kDocuments, .causal = false};
  const AttentionOptions options{.scale = 0.25, .window = {}};
  const auto apart = [&](const std::vector<at::Tensor>& parts) {
    return Results{packed_attention(parts[0], parts[1], parts[2], documents, options)};
  };
  const auto joint = [&](const std::vector<at::Tensor>& parts) {
    const auto split = at::cat({parts[0], parts[1], parts[2]}, 1).split(3, 1);
    return Results{packed_attention(split[0], split[1], split[2], documents, options)};
  };
  EXPECT_TRUE(at::equal(joint(in)[0], apart(in)[0]));
  const auto expected = gradients_of(apart, in), got = gradients_of(joint, in);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(at::equal(got[i], expected[i])) << i;
}

}  // namespace
}  // namespace limbeck::nn
