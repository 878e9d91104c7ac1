#include "nn/mlp.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

Results swiglu_by_definition(const std::vector<at::Tensor>& in) {
  const auto halves = in[0].chunk(2, 1);
  return {at::silu(halves[0]) * halves[1]};
}

TEST(Swiglu, ValueAndGradientEqualTheDefinitionInFp64) {
  const at::Tensor x = at::randn({33, 2 * 21}) * 3;
  const auto ours = [](const std::vector<at::Tensor>& in) { return Results{swiglu(in[0])}; };
  EXPECT_LT(relative_error(swiglu(x), swiglu_by_definition({x.to(at::kDouble)})[0]), 1e-6);
  EXPECT_LT(relative_error(gradients_of(ours, {x})[0], gradients_of(swiglu_by_definition, {x.to(at::kDouble)})[0]),
            1e-6);
  const at::Tensor low = x.to(at::kBFloat16);
  EXPECT_LT(relative_error(gradients_of(ours, {low})[0], gradients_of(swiglu_by_definition, {low.to(at::kDouble)})[0]),
            1e-2);
}

TEST(GatedMlp, IsDownOfSiluGateTimesUp) {
  GatedMlp mlp({.width = 12, .inner = 20, .bias = true});
  Parameters p;
  mlp.parameters(p);
  std::map<std::string, at::Tensor> w;
  {
    at::NoGradGuard no_grad;
    for (const auto& parameter : p.list()) w[parameter.name] = parameter.tensor->normal_();
  }
  ASSERT_EQ(w.size(), 6u);
  const at::Tensor x = at::randn({5, 12});
  const auto linear = [&](const at::Tensor& in, const std::string& name) {
    return at::linear(in, w.at(name + ".weight"), w.at(name + ".bias"));
  };
  const at::Tensor expected = linear(at::silu(linear(x, "gate_proj")) * linear(x, "up_proj"), "down_proj");
  EXPECT_LT(relative_error(mlp.forward(x), expected), 1e-5);
}

struct NormAndMlp {
  explicit NormAndMlp(Precision precision) : norm(12, 1e-3), mlp({.width = 12, .inner = 20, .bias = true}) {
    norm.set_output(precision);
    mlp.each_product([&](auto& product) { product.set_precision(precision); });
    Parameters p;
    p.group("norm", norm);
    mlp.parameters(p);
    for (const auto& parameter : p.list()) tensors.push_back(parameter.tensor);
  }
  Results forward(const std::vector<at::Tensor>& in) {
    for (std::size_t i = 0; i < tensors.size(); ++i) *tensors[i] = in[2 + i];
    auto [sum, y] = mlp.add_forward(norm, in[0], in[1]);
    return {sum, y};
  }
  RmsNorm norm;
  GatedMlp mlp;
  std::vector<at::Tensor*> tensors;
};

// x, delta, the norm's weight, then weight and bias of gate, up and down.
std::vector<at::Tensor> stream_and_masters() {
  at::manual_seed(8);
  std::vector<at::Tensor> in;
  for (const auto& shape :
       std::vector<std::vector<int64_t>>{{9, 12}, {9, 12}, {12}, {20, 12}, {20}, {20, 12}, {20}, {12, 20}, {12}})
    in.push_back(exact_randn(shape));
  return in;
}

Results mlp_by_definition(const std::vector<at::Tensor>& in) {
  const at::Tensor sum = in[0] + in[1];
  const at::Tensor normed = sum * (sum.square().mean({-1}, true) + 1e-3).rsqrt() * in[2];
  const at::Tensor inner = at::silu(at::linear(normed, in[3], in[4])) * at::linear(normed, in[5], in[6]);
  return {sum, at::linear(inner, in[7], in[8])};
}

TEST(GatedMlp, WithTheNormBeforeItEqualsTheDefinitionInFp64WhateverIsComputedAgain) {
  const auto in = stream_and_masters();
  std::vector<at::Tensor> wide;
  for (const at::Tensor& t : in) wide.push_back(t.to(at::kDouble));
  const auto values = mlp_by_definition(wide), expected = gradients_of(mlp_by_definition, wide);
  for (const auto precision : {Precision::kFp32, Precision::kBf16})
    for (const auto recompute : {Recompute::kNone, Recompute::kMlp}) {
      NormAndMlp layers(precision);
      layers.mlp.set_recompute(recompute);
      const double room = precision == Precision::kFp32 ? 3e-6 : 3e-2;
      const auto got = layers.forward(in);
      EXPECT_LT(relative_error(got[0], values[0]), 1e-6);
      EXPECT_LT(relative_error(got[1], values[1]), room);
      const auto gradients = gradients_of([&](const auto& leaves) { return layers.forward(leaves); }, in);
      // Gradients of biases are sums that nearly cancel, so the rounding of what is summed weighs more.
      for (std::size_t i = 0; i < in.size(); ++i)
        EXPECT_LT(relative_error(gradients[i], expected[i]), in[i].dim() == 1 && i > 2 ? 4 * room : room) << i;
    }
}

TEST(GatedMlp, WithTheNormBeforeItGivesTheBitsOfTheLayersApart) {
  const auto in = stream_and_masters();
  NormAndMlp layers(Precision::kBf16);
  const auto fused = layers.forward(in);
  const at::NoGradGuard no_grad;
  const auto apart = layers.forward(in);
  EXPECT_TRUE(at::equal(fused[0], apart[0]));
  EXPECT_TRUE(at::equal(fused[1], apart[1]));
}

}  // namespace
}  // namespace limbeck::nn
