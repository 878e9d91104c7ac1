#include "nn/normed_product.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "nn/gradient_check.h"
#include "tensor/gradients.h"

namespace limbeck::nn {
namespace {

constexpr double kNormEpsilon = 1e-3;

struct Layers {
  explicit Layers(Precision precision) : norm(12, kNormEpsilon), linear(shape()) {
    norm.set_output(precision);
    linear.set_precision(precision);
    Parameters p;
    p.group("norm", norm);
    p.group("linear", linear);
    for (const auto& parameter : p.list()) tensors.push_back(parameter.tensor);
  }
  static JointLinear::Shape shape() { return {.in = 12, .bias = true, .parts = {{"a", 5}, {"b", 7}}}; }
  // The norm's weight, then weight and bias of a and of b, which keep their places in the graph.
  Results forward(const std::vector<at::Tensor>& in) {
    for (std::size_t i = 0; i < tensors.size(); ++i) *tensors[i] = in[2 + i];
    auto [sum, y] = normed_product(norm, linear, in[0], in[1]);
    return {sum, y};
  }
  RmsNorm norm;
  JointLinear linear;
  std::vector<at::Tensor*> tensors;
};

std::vector<at::Tensor> normed_inputs() {
  at::manual_seed(6);
  return {exact_randn({9, 12}), exact_randn({9, 12}), exact_randn({12}), exact_randn({5, 12}),
          exact_randn({5}),     exact_randn({7, 12}), exact_randn({7})};
}

Results by_definition(const std::vector<at::Tensor>& in) {
  const at::Tensor sum = in[0] + in[1];
  const at::Tensor normed = sum * (sum.square().mean({-1}, true) + kNormEpsilon).rsqrt() * in[2];
  return {sum, at::cat({at::linear(normed, in[3], in[4]), at::linear(normed, in[5], in[6])}, 1)};
}

TEST(NormedProduct, ValuesAndGradientsEqualTheDefinitionInFp64) {
  const auto in = normed_inputs();
  std::vector<at::Tensor> wide;
  for (const at::Tensor& t : in) wide.push_back(t.to(at::kDouble));
  const auto expected = gradients_of(by_definition, wide);
  for (const auto precision : {Precision::kFp32, Precision::kBf16}) {
    const double room = precision == Precision::kFp32 ? 2e-6 : 3e-2;
    Layers layers(precision);
    const auto values = layers.forward(in);
    EXPECT_LT(relative_error(values[0], by_definition(wide)[0]), 1e-6) << "the stream is fp32";
    EXPECT_LT(relative_error(values[1], by_definition(wide)[1]), room);
    const auto got = gradients_of([&](const auto& leaves) { return layers.forward(leaves); }, in);
    for (std::size_t i = 0; i < in.size(); ++i)
      EXPECT_LT(relative_error(got[i], expected[i]), i == 4 || i == 6 ? 0.1 : room) << i;  // biases nearly cancel
  }
}

TEST(NormedProduct, IsTheTwoLayersOneAfterTheOtherWhereGradientsAreOff) {
  const auto in = normed_inputs();
  Layers layers(Precision::kBf16);
  const auto fused = layers.forward(in);
  const at::NoGradGuard no_grad;
  const auto apart = layers.forward(in);
  EXPECT_TRUE(at::equal(fused[0], apart[0]));
  EXPECT_TRUE(at::equal(fused[1], apart[1]));
  const auto [sum, y] = normed_product(layers.norm, layers.linear, in[0], {});
  EXPECT_TRUE(at::equal(sum, in[0]));
  EXPECT_TRUE(at::equal(y, layers.linear.forward(layers.norm.forward(in[0]))));
}

TEST(NormedProduct, OnlyTheSumMayBeUsed) {
  auto in = normed_inputs();
  for (at::Tensor& t : in) t.requires_grad_(true);
  Layers layers(Precision::kFp32);
  layers.forward(in)[0].sum().backward();
  EXPECT_TRUE(at::equal(in[1].grad(), at::ones({9, 12})));
  EXPECT_FALSE(in[3].grad().defined());
}

}  // namespace
}  // namespace limbeck::nn
