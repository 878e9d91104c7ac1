#include "nn/activation.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

at::Tensor activation_of_libtorch(const at::Tensor& x, Activation kind) {
  switch (kind) {
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kQuickGelu:
      return x * at::sigmoid(x * 1.702);
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kRelu:
      return at::relu(x);
  }
  return {};
}

TEST(Activate, ValuesAndGradientsEqualLibTorchsInFp64) {
  at::manual_seed(5);
  const at::Tensor x = exact_randn({13, 2 * 7}) * 2;
  for (const Activation kind :
       {Activation::kGelu, Activation::kGeluTanh, Activation::kQuickGelu, Activation::kSilu, Activation::kRelu}) {
    const auto plain = [&](const auto& in) { return Results{activate(in[0], kind)}; };
    const auto gated = [&](const auto& in) { return Results{activate_gated(in[0], kind)}; };
    const auto expected = [&](const auto& in) { return Results{activation_of_libtorch(in[0], kind)}; };
    const auto expected_gated = [&](const auto& in) {
      return Results{activation_of_libtorch(in[0].narrow(1, 0, 7), kind) * in[0].narrow(1, 7, 7)};
    };
    const std::vector<at::Tensor> in = {x}, wide = {x.to(at::kDouble)}, low = {x.to(at::kBFloat16)};
    EXPECT_LT(relative_error(gradients_of(plain, in)[0], gradients_of(expected, wide)[0]), 1e-6);
    EXPECT_LT(relative_error(gradients_of(gated, in)[0], gradients_of(expected_gated, wide)[0]), 1e-6);
    EXPECT_LT(relative_error(gradients_of(plain, low)[0], gradients_of(expected, wide)[0]), 1e-2);
    at::NoGradGuard no_grad;
    EXPECT_LT(relative_error(plain(in)[0], expected(wide)[0]), 1e-6);
    EXPECT_LT(relative_error(gated(in)[0], expected_gated(wide)[0]), 1e-6);
    EXPECT_EQ(gated(low)[0].scalar_type(), at::kBFloat16);
    EXPECT_EQ(activate(x.narrow(0, 0, 0), kind).size(0), 0);
  }
}

TEST(ActivationNamed, KnowsTheNamesOfHuggingFace) {
  EXPECT_EQ(activation_named("gelu"), Activation::kGelu);
  EXPECT_EQ(activation_named("gelu_new"), Activation::kGeluTanh);
  EXPECT_EQ(activation_named("gelu_pytorch_tanh"), Activation::kGeluTanh);
  EXPECT_EQ(activation_named("quick_gelu"), Activation::kQuickGelu);
  EXPECT_FALSE(activation_named("mish"));
}

}  // namespace
}  // namespace limbeck::nn
