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

}  // namespace
}  // namespace limbeck::nn
