#include "nn/head_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

constexpr double kTiny = 1e-3;
const HeadCounts kCounts{.queries = 3, .keys = 2};

at::Tensor heads_by_definition(const std::vector<at::Tensor>& in, double offset) {
  const int64_t n = in[0].size(0), dim = in[1].size(0);
  const auto normed = [&](int64_t first, int64_t heads, const at::Tensor& weight) {
    const at::Tensor x = in[0].narrow(1, first * dim, heads * dim).view({n, heads, dim});
    return (x * (x.square().mean({-1}, true) + kTiny).rsqrt() * (weight + offset)).reshape({n, heads * dim});
  };
  return at::cat({normed(0, 3, in[1]), normed(3, 2, in[2]), in[0].narrow(1, 5 * dim, 2 * dim)}, 1);
}

at::Tensor heads_by_layer(const std::vector<at::Tensor>& in, NormWeight kind) {
  RmsNorm q(in[1].size(0), kTiny, kind), k(in[2].size(0), kTiny, kind);
  Parameters p;
  q.parameters(p), k.parameters(p);
  *p.list()[0].tensor = in[1], *p.list()[1].tensor = in[2];
  return norm_heads(in[0], q, k, kCounts);
}

TEST(NormHeads, EqualsTheDefinitionAndItsGradientInFp64) {
  at::manual_seed(2);
  const std::vector<at::Tensor> inputs = {exact_randn({70, 7 * 6}), at::randn({6}), at::randn({6})};
  std::vector<at::Tensor> wide;
  for (const at::Tensor& input : inputs) wide.push_back(input.to(at::kDouble));
  for (const NormWeight kind : {NormWeight::kPlain, NormWeight::kOffsetFromOne}) {
    const double offset = kind == NormWeight::kPlain ? 0 : 1;
    const auto ours = [&](const auto& in) { return Results{heads_by_layer(in, kind)}; };
    const auto definition = [&](const auto& in) { return Results{heads_by_definition(in, offset)}; };
    const auto got = gradients_of(ours, inputs), expected = gradients_of(definition, wide);
    for (int i = 0; i < 3; ++i) EXPECT_LT(relative_error(got[i], expected[i]), 2e-6) << i;
    const auto low = gradients_of(ours, {inputs[0].to(at::kBFloat16), inputs[1], inputs[2]});
    EXPECT_EQ(low[0].scalar_type(), at::kBFloat16);
    for (int i = 0; i < 3; ++i) EXPECT_LT(relative_error(low[i], expected[i]), 2e-2) << i;
    at::NoGradGuard no_grad;
    EXPECT_LT(relative_error(ours(inputs)[0], definition(wide)[0]), 1e-6);
  }
}

TEST(NormHeads, RowsOfAnotherWidthAreAnError) {
  EXPECT_THROW(heads_by_layer({at::randn({3, 41}), at::ones({6}), at::ones({6})}, NormWeight::kPlain), Error);
  EXPECT_THROW(heads_by_layer({at::randn({3, 42}), at::ones({6}), at::ones({5})}, NormWeight::kPlain), Error);
}

}  // namespace
}  // namespace limbeck::nn
