#include "nn/attention_plan.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"
#include "nn/packed_attention.h"

namespace limbeck::nn {
namespace {

std::vector<at::Tensor> random_parts(int64_t n, int64_t heads, int64_t key_heads, int64_t dim) {
  at::manual_seed(static_cast<uint64_t>(n));
  return {exact_randn({n, heads, dim}), exact_randn({n, key_heads, dim}), exact_randn({n, key_heads, dim})};
}

TEST(PackedCausal, PackedDocumentsAreSeparateDocuments) {
  at::NoGradGuard no_grad;
  const std::vector<int64_t> offsets = {0, 5, 70, 71, 100};
  const auto in = random_parts(100, 4, 4, 8);
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
  const auto in = random_parts(4, 3, 2, 8);
  EXPECT_THROW(packed_causal({0, 4})->attend(0, in[0], in[1], in[2], {}), Error);
  EXPECT_THROW(packed_causal({0, 5})->attend(0, in[0], in[0], in[0], {}), Error);
}

TEST(PackedFull, ATokenSeesItsWholeDocumentAndNoOther) {
  at::NoGradGuard no_grad;
  const auto in = random_parts(9, 2, 2, 8);
  const auto plan = packed_full({0, 4, 9});
  const AttentionOptions options{.scale = 0.3, .window = {}};
  const at::Tensor before = plan->attend(0, in[0], in[1], in[2], options);
  std::vector<at::Tensor> changed = {in[0], in[1].clone(), in[2].clone()};
  changed[2][3] += 1;  // the last value of the first document
  const at::Tensor moved = (plan->attend(0, changed[0], changed[1], changed[2], options) - before).abs().amax({1, 2});
  for (int64_t t = 0; t < 9; ++t) EXPECT_EQ(moved[t].item<float>() > 0, t < 4) << t;
}

TEST(PackedFull, DropsByLayerSaltAndDocument) {
  at::NoGradGuard no_grad;
  const auto in = random_parts(40, 3, 3, 8);
  const AttentionOptions options{.scale = 0.3, .window = {}};
  const auto attended = [&](int64_t layer, uint64_t salt, std::vector<uint64_t> keys) {
    return packed_full({0, 20, 40}, 0.5, salt, std::move(keys))->attend(layer, in[0], in[1], in[2], options);
  };
  const at::Tensor first = attended(0, 1, {});
  EXPECT_TRUE(at::equal(first, attended(0, 1, {})));
  EXPECT_TRUE(at::equal(first, attended(0, 1, {0, 1})));
  EXPECT_FALSE(at::equal(first, attended(1, 1, {})));
  EXPECT_FALSE(at::equal(first, attended(0, 2, {})));
  // A document that moves to another place in the pack keeps its masks by its key.
  const auto swapped = [](const at::Tensor& x) { return at::cat({x.narrow(0, 20, 20), x.narrow(0, 0, 20)}); };
  const at::Tensor other =
      packed_full({0, 20, 40}, 0.5, 1, {1, 0})->attend(0, swapped(in[0]), swapped(in[1]), swapped(in[2]), options);
  EXPECT_TRUE(at::equal(swapped(other), first));
}

TEST(PackedFull, NamesItsDocumentsWhereTheySeeThemselvesWhole) {
  const auto plan = packed_full({0, 2, 5});
  ASSERT_NE(whole_documents(*plan), nullptr);
  EXPECT_EQ(*whole_documents(*plan), (std::vector<int64_t>{0, 2, 5}));
  EXPECT_EQ(whole_documents(*packed_full({0, 2, 5}, 0.1)), nullptr);
  EXPECT_EQ(whole_documents(*packed_causal({0, 2, 5})), nullptr);
}

TEST(PackedFull, RefusesWhatItCannotMean) {
  EXPECT_THROW(packed_full({0}), Error);
  EXPECT_THROW(packed_full({0, 3}, 1.0), Error);
  EXPECT_THROW(packed_full({0, 3}, -0.1), Error);
  EXPECT_THROW(packed_full({0, 3}, 0.1, 0, {1, 2}), Error);
  const auto in = random_parts(3, 2, 2, 8);
  EXPECT_THROW(packed_full({0, 3})->attend(0, in[0], in[1], in[2], {.scale = 1, .window = 2}), Error);
}

}  // namespace
}  // namespace limbeck::nn
