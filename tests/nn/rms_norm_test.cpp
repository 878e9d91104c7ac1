#include "nn/rms_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

constexpr double kEpsilon = 1e-2;

at::Tensor definition(const at::Tensor& x, const at::Tensor& weight) {
  return x * (x.square().mean({-1}, true) + kEpsilon).rsqrt() * weight;
}

// The layer with this weight, which keeps its place in the graph.
Results layer(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
              Precision output = Precision::kFp32) {
  RmsNorm norm(weight.size(0), kEpsilon);
  Parameters p;
  norm.parameters(p);
  *p.list()[0].tensor = weight;
  norm.set_output(output);
  if (!delta.defined()) return {norm.forward(x)};
  auto [sum, y] = norm.add_forward(x, delta);
  return {sum, y};
}

TEST(RmsNorm, GradientsEqualThoseOfTheDefinitionInFp64) {
  at::manual_seed(1);
  const std::vector<at::Tensor> inputs = {at::randn({70, 33}), at::randn({70, 33}), at::randn({33})};
  const auto got = gradients_of([](const auto& in) { return layer(in[0], in[1], in[2]); }, inputs);
  std::vector<at::Tensor> wide;
  for (const at::Tensor& input : inputs) wide.push_back(input.to(at::kDouble));
  const auto expected = gradients_of(
      [](const auto& in) {
        return Results{in[0] + in[1], definition(in[0] + in[1], in[2])};
      },
      wide);
  for (int i = 0; i < 3; ++i) EXPECT_LT(relative_error(got[i], expected[i]), 1e-6) << i;

  const auto alone = gradients_of([](const auto& in) { return layer(in[0], {}, in[1]); }, {inputs[0], inputs[2]});
  const auto expected_alone =
      gradients_of([](const auto& in) { return Results{definition(in[0], in[1])}; }, {wide[0], wide[2]});
  for (int i = 0; i < 2; ++i) EXPECT_LT(relative_error(alone[i], expected_alone[i]), 1e-6) << i;
}

TEST(RmsNorm, ResultsThatNobodyUsesNeedNoGradient) {
  const std::vector<at::Tensor> inputs = {at::randn({9, 8}), at::randn({9, 8}), at::randn({8})};
  const auto only_norm = gradients_of([](const auto& in) { return Results{layer(in[0], in[1], in[2])[1]}; }, inputs);
  const auto expected = gradients_of([](const auto& in) { return Results{definition(in[0] + in[1], in[2])}; }, inputs);
  for (int i = 0; i < 3; ++i) EXPECT_LT(relative_error(only_norm[i], expected[i]), 1e-5) << i;
  const auto only_sum = gradients_of([](const auto& in) { return Results{layer(in[0], in[1], in[2])[0]}; }, inputs);
  EXPECT_FALSE(only_sum[2].defined());
  EXPECT_TRUE(at::equal(only_sum[0], only_sum[1]));
}

TEST(RmsNorm, ABf16DeltaGetsABf16GradientAndABf16OutputIsRounded) {
  const at::Tensor x = at::randn({12, 16}), delta = exact_randn({12, 16}), weight = at::randn({16});
  const auto low = gradients_of([](const auto& in) { return layer(in[0], in[1], in[2], Precision::kBf16); },
                                {x, delta.to(at::kBFloat16), weight});
  const auto wide = gradients_of([](const auto& in) { return layer(in[0], in[1], in[2]); }, {x, delta, weight});
  EXPECT_EQ(low[1].scalar_type(), at::kBFloat16);
  for (int i = 0; i < 3; ++i) EXPECT_LT(relative_error(low[i], wide[i]), 1e-2) << i;
  at::NoGradGuard no_grad;
  const auto rounded = layer(x, delta.to(at::kBFloat16), weight, Precision::kBf16), exact = layer(x, delta, weight);
  EXPECT_TRUE(at::equal(rounded[0], exact[0]));
  EXPECT_TRUE(at::equal(rounded[1], exact[1].to(at::kBFloat16)));
}

TEST(RmsNorm, AnotherWidthIsAnError) {
  EXPECT_THROW(layer(at::randn({3, 7}), {}, at::ones({8})), Error);
}

}  // namespace
}  // namespace limbeck::nn
