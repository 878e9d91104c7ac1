#include "nn/attention_plan.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

// Softmax over an explicit mask of who sees whom in all of the pack.
at::Tensor by_mask(const std::vector<at::Tensor>& in, const std::vector<int64_t>& offsets,
                   const AttentionOptions& options) {
  const int64_t n = in[0].size(0), group = in[0].size(1) / in[1].size(1);
  at::Tensor seen = at::zeros({n, n}, at::kBool);
  for (std::size_t d = 0; d + 1 < offsets.size(); ++d)
    for (int64_t t = offsets[d]; t < offsets[d + 1]; ++t)
      for (int64_t s = offsets[d]; s <= t; ++s) seen[t][s] = !options.window || t - s < *options.window;
  const auto heads = [](const at::Tensor& x) { return x.transpose(0, 1); };
  const at::Tensor k = in[1].repeat_interleave(group, 1), v = in[2].repeat_interleave(group, 1);
  at::Tensor scores = at::matmul(heads(in[0]), heads(k).transpose(1, 2)) * options.scale;
  if (options.softcap > 0) scores = at::tanh(scores / options.softcap) * options.softcap;
  return at::matmul(at::softmax(scores.masked_fill(~seen, -1e30), -1), heads(v)).transpose(0, 1);
}

std::vector<at::Tensor> random_inputs(int64_t n, int64_t heads, int64_t key_heads, int64_t dim) {
  at::manual_seed(static_cast<uint64_t>(n));
  return {exact_randn({n, heads, dim}), exact_randn({n, key_heads, dim}), exact_randn({n, key_heads, dim})};
}

void expect_equal_to_mask(const std::vector<int64_t>& offsets, const AttentionOptions& options) {
  const auto plan = packed_causal(offsets);
  const auto ours = [&](const std::vector<at::Tensor>& in) {
    return Results{plan->attend(0, in[0], in[1], in[2], options)};
  };
  const auto mask = [&](const std::vector<at::Tensor>& in) { return Results{by_mask(in, offsets, options)}; };
  const auto inputs = random_inputs(offsets.back(), 6, 2, 16);
  std::vector<at::Tensor> wide, low;
  for (const at::Tensor& x : inputs) wide.push_back(x.to(at::kDouble)), low.push_back(x.to(at::kBFloat16));
  const at::Tensor expected = mask(wide)[0];
  EXPECT_LT(relative_error(ours(inputs)[0], expected), 1e-6);
  EXPECT_LT(relative_error(ours(low)[0], expected), 1e-2);
  EXPECT_LT(relative_error(ours(wide)[0], expected), 1e-12);  // LibTorch's path for other types
  const auto gradients = gradients_of(ours, inputs), low_gradients = gradients_of(ours, low);
  const auto expected_gradients = gradients_of(mask, wide);
  for (int i = 0; i < 3; ++i) {
    EXPECT_LT(relative_error(gradients[i], expected_gradients[i]), 2e-6) << i;
    EXPECT_LT(relative_error(low_gradients[i], expected_gradients[i]), 2e-2) << i;
  }
}

TEST(PackedCausal, EqualsAnExplicitMask) {
  expect_equal_to_mask({0, 3, 52, 60, 61}, {.scale = 0.25, .window = {}});
}

TEST(PackedCausal, AWindowEqualsAnExplicitMask) {
  expect_equal_to_mask({0, 3, 60}, {.scale = 0.25, .window = 5});
  expect_equal_to_mask({0, 130}, {.scale = 0.25, .window = 50});
}

TEST(PackedCausal, CappedScoresEqualTheirDefinition) {
  expect_equal_to_mask({0, 3, 52, 60, 61}, {.scale = 0.25, .window = {}, .softcap = 1.5});
  expect_equal_to_mask({0, 130}, {.scale = 0.5, .window = 50, .softcap = 2});
}

TEST(PackedCausal, PackedDocumentsAreSeparateDocuments) {
  at::NoGradGuard no_grad;
  const std::vector<int64_t> offsets = {0, 5, 70, 71, 100};
  const auto in = random_inputs(100, 4, 4, 8);
  const AttentionOptions options{.scale = 0.3, .window = {}};
  const at::Tensor together = packed_causal(offsets)->attend(0, in[0], in[1], in[2], options);
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    const int64_t length = offsets[i + 1] - offsets[i];
    const auto part = [&](const at::Tensor& x) { return x.narrow(0, offsets[i], length); };
    EXPECT_TRUE(at::equal(packed_causal({0, length})->attend(0, part(in[0]), part(in[1]), part(in[2]), options),
                          part(together)));
  }
}

TEST(PackedCausal, PositionsCountWithinTheirDocument) {
  const at::Tensor positions = packed_causal({0, 2, 5})->positions();
  EXPECT_TRUE(at::equal(positions, at::tensor({0, 1, 0, 1, 2}, at::kLong)));
}

TEST(PackedCausal, RefusesOffsetsThatAreNoDocuments) {
  EXPECT_THROW(packed_causal({}), Error);
  EXPECT_THROW(packed_causal({0}), Error);
  EXPECT_THROW(packed_causal({1, 3}), Error);
  EXPECT_THROW(packed_causal({0, 3, 3}), Error);
  const auto in = random_inputs(4, 3, 2, 8);
  EXPECT_THROW(packed_causal({0, 4})->attend(0, in[0], in[1], in[2], {}), Error);
  EXPECT_THROW(packed_causal({0, 5})->attend(0, in[0], in[0], in[0], {}), Error);
}

}  // namespace
}  // namespace limbeck::nn
