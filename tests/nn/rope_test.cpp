// That the scaled variants equal Transformers' is shown by the golden logits of tests/models/llama_test.cpp.
#include "nn/rope.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "base/errors.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

RopeOptions plain(int64_t dim = 8) {
  RopeOptions options;
  options.head_dim = dim;
  return options;
}

Heads rotated_by_definition(const at::Tensor& qkv, const RopeTable& table, int64_t queries, int64_t keys, int64_t dim) {
  const at::Tensor heads = qkv.view({qkv.size(0), queries + 2 * keys, dim});
  const at::Tensor cos = at::cat({table.cos, table.cos}, 1).unsqueeze(1).to(qkv.scalar_type());
  const at::Tensor sin = at::cat({table.sin, table.sin}, 1).unsqueeze(1).to(qkv.scalar_type());
  const auto halves = heads.chunk(2, 2);
  const at::Tensor turned = heads * cos + at::cat({-halves[1], halves[0]}, 2) * sin;
  return {turned.narrow(1, 0, queries), turned.narrow(1, queries, keys), heads.narrow(1, queries + keys, keys)};
}

TEST(RotateHeads, ValuesAndGradientsEqualTheDefinitionInFp64) {
  const RopeTable table = Rope(plain()).table(at::arange(19, at::kLong));
  const at::Tensor qkv = at::randn({19, 8 * 8});
  const auto list = [](const Heads& h) { return Results{h.q, h.k, h.v}; };
  const auto ours = [&](const auto& in) { return list(rotate_heads(in[0], table, {.queries = 4, .keys = 2})); };
  const auto definition = [&](const auto& in) { return list(rotated_by_definition(in[0], table, 4, 2, 8)); };
  const at::Tensor wide = qkv.to(at::kDouble);
  for (int i = 0; i < 3; ++i)
    EXPECT_LT(relative_error(ours(std::vector{qkv})[i], definition(std::vector{wide})[i]), 1e-6);
  EXPECT_LT(relative_error(gradients_of(ours, {qkv})[0], gradients_of(definition, {wide})[0]), 1e-6);
  EXPECT_LT(relative_error(gradients_of(ours, {qkv.to(at::kBFloat16)})[0], gradients_of(definition, {wide})[0]), 1e-2);
  at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(ours(std::vector{qkv})[1], rotate_heads(qkv, table, {.queries = 4, .keys = 2}).k));
  EXPECT_THROW(rotate_heads(qkv, table, {.queries = 3, .keys = 2}), Error);
}

TEST(Rope, ScoresDependOnDistanceAlone) {
  const Rope rope(plain(16));
  const at::Tensor q = at::randn({1, 1, 16}), k = at::randn({1, 1, 16});
  const auto score = [&](int64_t at_q, int64_t at_k) {
    const auto turned = [&](const at::Tensor& x, int64_t position) {
      const at::Tensor qkv = at::cat({x, x, x}, 1).view({1, 48});
      return rotate_heads(qkv, rope.table(at::tensor({position}, at::kLong)), {.queries = 1, .keys = 1}).q;
    };
    return (turned(q, at_q) * turned(k, at_k)).sum().item<double>();
  };
  EXPECT_NEAR(score(9, 4), score(105, 100), 1e-4);
  EXPECT_GT(std::abs(score(9, 4) - score(9, 5)), 1e-3);
}

TEST(Rope, DynamicScalingStretchesOnlyDocumentsBeyondTheContext) {
  RopeOptions options = plain();
  options.kind = RopeKind::kDynamic;
  options.factor = 2;
  options.max_positions = 10;
  const Rope dynamic(options), usual(plain());
  const auto packed = at::cat({at::arange(10, at::kLong), at::arange(15, at::kLong)});
  const RopeTable both = dynamic.table(packed);
  EXPECT_TRUE(at::equal(both.cos.narrow(0, 0, 10), usual.table(at::arange(10, at::kLong)).cos));
  EXPECT_TRUE(at::equal(both.sin.narrow(0, 10, 15), dynamic.table(at::arange(15, at::kLong)).sin));
  EXPECT_FALSE(at::equal(both.cos.narrow(0, 10, 10), both.cos.narrow(0, 0, 10)));
}

TEST(Rope, YarnMultipliesCosinesByItsAttentionFactor) {
  RopeOptions options = plain();
  options.kind = RopeKind::kYarn;
  options.factor = 4;
  const Rope yarn(options);
  EXPECT_DOUBLE_EQ(yarn.attention_factor(), 0.1 * std::log(4.0) + 1);  // arXiv:2309.00071, eq. 22
  EXPECT_FLOAT_EQ(yarn.table(at::zeros({1}, at::kLong)).cos[0][0].item<float>(),
                  static_cast<float>(0.1 * std::log(4.0) + 1));
}

TEST(SplitHeads, GivesThePartsOfEachRowAndTheirGradientsInOnePiece) {
  at::manual_seed(3);
  const HeadCounts counts{.queries = 4, .keys = 2, .head_dim = 6};
  const at::Tensor rows = exact_randn({7, 48});
  const auto parts = [&](const std::vector<at::Tensor>& in) {
    const Heads heads = split_heads(in[0], counts);
    return Results{heads.q, heads.k, heads.v};
  };
  const Results got = parts({rows});
  EXPECT_TRUE(at::equal(got[0].reshape({7, 24}), rows.narrow(1, 0, 24)));
  EXPECT_TRUE(at::equal(got[1].reshape({7, 12}), rows.narrow(1, 24, 12)));
  EXPECT_TRUE(at::equal(got[2].reshape({7, 12}), rows.narrow(1, 36, 12)));
  const auto by_narrow = [&](const std::vector<at::Tensor>& in) {
    return Results{in[0].narrow(1, 0, 24).reshape({7, 4, 6}), in[0].narrow(1, 24, 12).reshape({7, 2, 6}),
                   in[0].narrow(1, 36, 12).reshape({7, 2, 6})};
  };
  EXPECT_TRUE(at::equal(gradients_of(parts, {rows})[0], gradients_of(by_narrow, {rows})[0]));
  const auto values = [&](const std::vector<at::Tensor>& in) { return Results{split_heads(in[0], counts).v}; };
  const at::Tensor gradient = gradients_of(values, {rows})[0];  // what nobody asked for has none
  EXPECT_EQ(gradient.narrow(1, 0, 36).abs().sum().item<float>(), 0);
  EXPECT_GT(gradient.narrow(1, 36, 12).abs().sum().item<float>(), 0);
  // As attention hands them over: nothing is copied.
  const at::Tensor leaf = rows.clone().requires_grad_(true), whole = exact_randn({7, 8, 6});
  const Heads heads = split_heads(leaf, counts);
  const auto edges = torch::autograd::grad({heads.q, heads.k, heads.v}, {leaf},
                                           {whole.narrow(1, 0, 4), whole.narrow(1, 4, 2), whole.narrow(1, 6, 2)});
  EXPECT_TRUE(at::equal(edges[0], whole.view({7, 48})));
  EXPECT_TRUE(edges[0].is_alias_of(whole));
}

}  // namespace
}  // namespace limbeck::nn
