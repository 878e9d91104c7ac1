#include "nn/weight_packing.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

at::Tensor unpacked(const kernels::PackedWeight& weight) {
  at::Tensor w = at::empty({weight.n(), weight.k()});
  weight.unpack(w.mutable_data_ptr<float>());
  return w;
}

TEST(WeightPacking, KeepsWhatTheFormatCanHold) {
  at::manual_seed(1);
  const at::Tensor w = at::randn({37, 70});
  EXPECT_TRUE(at::equal(unpacked(*pack_weight(w, WeightFormat::kFp32)), w));
  EXPECT_TRUE(at::equal(unpacked(*pack_weight(w, WeightFormat::kBf16)), w.to(at::kBFloat16).to(at::kFloat)));
  EXPECT_LT(relative_error(unpacked(*pack_weight(w, WeightFormat::kQ8_0)), w), 0.01);
  EXPECT_LT(relative_error(unpacked(*pack_weight(w, WeightFormat::kQ4_0)), w), 0.15);
  EXPECT_LT(relative_error(unpacked(*pack_int8_weight(w)), w), 0.01);
}

TEST(WeightPacking, TakesAProductWithWhatFillsItsSlots) {
  struct Doubled final : AdditiveBranch {
    explicit Doubled(at::Tensor w) : w(std::move(w)) {}
    at::Tensor forward(const at::Tensor& x) override { return at::matmul(x, w.t()); }
    at::Tensor delta() override { return w; }
    at::Tensor w;
  };
  at::NoGradGuard no_grad;
  at::manual_seed(2);
  JointLinear joint({.in = 6, .bias = true, .parts = {{"a", 4}, {"b", 5}}});
  at::Tensor weight = at::randn({9, 6}), bias = at::randn({9});
  int64_t first = 0;
  joint.each_linear([&](Linear& part) {
    const int64_t out = part.shape().out;
    part.weight().copy_(weight.narrow(0, first, out));
    part.bias().copy_(bias.narrow(0, first, out));
    first += out;
  });
  joint.each_linear([&](Linear& part) {
    if (part.shape().out == 5) part.set_branch(std::make_shared<Doubled>(weight.narrow(0, 4, 5).clone()));
  });
  joint.set_precision(Precision::kBf16);
  const FrozenProduct product =
      take_product(joint, [](const at::Tensor& w) { return pack_weight(w, WeightFormat::kFp32); });
  at::Tensor expected = weight.clone();
  expected.narrow(0, 4, 5).mul_(2);
  EXPECT_TRUE(at::equal(unpacked(*product.weight), expected));
  EXPECT_TRUE(at::equal(product.bias, bias));
  Parameters parameters;
  EXPECT_THROW(joint.parameters(parameters), Error);
}

}  // namespace
}  // namespace limbeck::nn
