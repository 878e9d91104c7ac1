#include "nn/layer_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

constexpr double kLayerEpsilon = 1e-2;

at::Tensor layer_norm_definition(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::layer_norm(x, {x.size(1)}, weight, bias, kLayerEpsilon);
}

// {sum, norm}, or the norm alone where there is no delta. in: x, weight, bias, delta
Results layer_norm_layer(const std::vector<at::Tensor>& in, Precision output = Precision::kFp32) {
  LayerNorm norm(in[1].size(0), kLayerEpsilon);
  Parameters p;
  norm.parameters(p);
  *p.list()[0].tensor = in[1], *p.list()[1].tensor = in[2];
  norm.set_output(output);
  if (in.size() < 4) return {norm.forward(in[0])};
  auto [sum, y] = norm.add_forward(in[0], in[3]);
  return {sum, y};
}

std::vector<at::Tensor> layer_norm_inputs() {
  at::manual_seed(3);
  return {at::randn({70, 33}), at::randn({33}), at::randn({33}), exact_randn({70, 33})};
}

TEST(LayerNorm, GradientsEqualThoseOfTheDefinitionInFp64) {
  const auto inputs = layer_norm_inputs();
  std::vector<at::Tensor> wide;
  for (const at::Tensor& input : inputs) wide.push_back(input.to(at::kDouble));
  const auto got = gradients_of([](const auto& in) { return layer_norm_layer(in); }, inputs);
  const auto expected = gradients_of(
      [](const auto& in) {
        return Results{in[0] + in[3], layer_norm_definition(in[0] + in[3], in[1], in[2])};
      },
      wide);
  for (int i = 0; i < 4; ++i) EXPECT_LT(relative_error(got[i], expected[i]), 1e-6) << i;
  const auto alone =
      gradients_of([](const auto& in) { return layer_norm_layer(in); }, {inputs[0], inputs[1], inputs[2]});
  const auto expected_alone = gradients_of(
      [](const auto& in) { return Results{layer_norm_definition(in[0], in[1], in[2])}; }, {wide[0], wide[1], wide[2]});
  for (int i = 0; i < 3; ++i) EXPECT_LT(relative_error(alone[i], expected_alone[i]), 1e-6) << i;
}

TEST(LayerNorm, ABf16DeltaGetsABf16GradientAndABf16OutputIsRounded) {
  const auto inputs = layer_norm_inputs();
  auto lowered = inputs;
  lowered[3] = inputs[3].to(at::kBFloat16);
  const auto low = gradients_of([](const auto& in) { return layer_norm_layer(in, Precision::kBf16); }, lowered);
  const auto wide = gradients_of([](const auto& in) { return layer_norm_layer(in); }, inputs);
  EXPECT_EQ(low[3].scalar_type(), at::kBFloat16);
  for (int i = 0; i < 4; ++i) EXPECT_LT(relative_error(low[i], wide[i]), 1e-2) << i;
  at::NoGradGuard no_grad;
  const auto rounded = layer_norm_layer(lowered, Precision::kBf16), exact = layer_norm_layer(inputs);
  EXPECT_TRUE(at::equal(rounded[0], exact[0]));
  EXPECT_TRUE(at::equal(rounded[1], exact[1].to(at::kBFloat16)));
}

TEST(LayerNorm, ResultsThatNobodyUsesNeedNoGradient) {
  const auto inputs = layer_norm_inputs();
  const auto only_sum = gradients_of([](const auto& in) { return Results{layer_norm_layer(in)[0]}; }, inputs);
  EXPECT_FALSE(only_sum[1].defined());
  EXPECT_TRUE(at::equal(only_sum[0], only_sum[3]));
}

TEST(LayerNorm, AnotherWidthIsAnError) {
  EXPECT_THROW(layer_norm_layer({at::randn({3, 7}), at::ones({8}), at::ones({8})}), Error);
}

}  // namespace
}  // namespace limbeck::nn
