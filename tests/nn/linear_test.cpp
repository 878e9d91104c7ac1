#include "nn/linear.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

// Multiplies the weight by a mask, as pruning does.
class Mask final : public WeightTransform {
 public:
  explicit Mask(at::Tensor mask) : mask_(std::move(mask)) {}
  at::Tensor apply(const at::Tensor& weight) override { return weight * mask_; }

 private:
  at::Tensor mask_;
};

// x a b, as LoRA adds it.
class LowRank final : public AdditiveBranch {
 public:
  LowRank(int64_t in, int64_t out)
      : a_(at::randn({in, 2}).requires_grad_(true)), b_(at::randn({2, out}).requires_grad_(true)) {}
  at::Tensor forward(const at::Tensor& x) override { return at::mm(at::mm(x.to(at::kFloat), a_), b_); }
  at::Tensor delta() override { return at::mm(a_, b_).t(); }
  void parameters(Parameters& p) override { p("lora_a", a_), p("lora_b", b_); }
  at::Tensor& a() { return a_; }

 private:
  at::Tensor a_, b_;
};

void fill(Linear& linear) {
  at::NoGradGuard no_grad;
  linear.weight().normal_();
  if (linear.bias().defined()) linear.bias().normal_();
}

TEST(Linear, SlotsChangeTheProductAndFoldIntoTheWeight) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    Linear linear({.in = 6, .out = 4, .bias = true});
    fill(linear);
    linear.set_precision(precision);
    const at::Tensor x = exact_randn({5, 6}), mask = at::rand({4, 6}).gt(0.5).to(at::kFloat);
    const auto branch = std::make_shared<LowRank>(6, 4);
    const at::Tensor expected = at::linear(x, linear.weight() * mask + branch->delta(), linear.bias());
    linear.set_transform(std::make_shared<Mask>(mask));
    linear.set_branch(branch);
    const double tolerance = precision == Precision::kFp32 ? 1e-6 : 2e-2;
    EXPECT_LT(relative_error(linear.forward(x), expected), tolerance);
    linear.fold();
    EXPECT_FALSE(linear.has_slots());
    EXPECT_LT(relative_error(linear.forward(x), expected), tolerance);
  }
}

TEST(Linear, GradientsReachTheWeightThroughATransformAndTheBranch) {
  Linear linear({.in = 6, .out = 4});
  fill(linear);
  linear.set_precision(Precision::kBf16);
  const at::Tensor mask = at::zeros({4, 6});
  mask[2].fill_(1);
  const auto branch = std::make_shared<LowRank>(6, 4);
  linear.set_transform(std::make_shared<Mask>(mask));
  linear.set_branch(branch);
  linear.forward(exact_randn({5, 6})).sum().backward();
  EXPECT_EQ(linear.weight().grad()[0].abs().sum().item<float>(), 0);
  EXPECT_GT(linear.weight().grad()[2].abs().sum().item<float>(), 0);
  EXPECT_GT(branch->a().grad().abs().sum().item<float>(), 0);
}

TEST(Linear, NamesItsParametersAndThoseOfItsSlots) {
  Linear linear({.in = 6, .out = 4, .bias = true});
  linear.set_branch(std::make_shared<LowRank>(6, 4));
  Parameters p;
  p.group("up", linear);
  std::vector<std::string> names;
  for (const auto& parameter : p.list()) names.push_back(parameter.name);
  EXPECT_EQ(names, (std::vector<std::string>{"up.weight", "up.bias", "up.lora_a", "up.lora_b"}));
}

TEST(Linear, FrozenFoldsFirstAndHasNoParametersLeft) {
  Linear linear({.in = 6, .out = 4, .bias = true});
  fill(linear);
  const auto branch = std::make_shared<LowRank>(6, 4);
  linear.set_branch(branch);
  const at::Tensor x = exact_randn({5, 6}), expected = linear.forward(x);
  linear.freeze(Precision::kFp32);
  EXPECT_LT(relative_error(linear.forward(x), expected), 1e-6);
  EXPECT_FALSE(linear.forward(x).requires_grad());
  Parameters p;
  EXPECT_THROW(linear.parameters(p), Error);
}

JointLinear filled_joint() {
  JointLinear joint({.in = 6, .bias = true, .parts = {{"q", 4}, {"k", 2}}});
  joint.each_linear([](Linear& part) { fill(part); });
  return joint;
}

TEST(JointLinear, ASlotInOnePartChangesThatPartAlone) {
  JointLinear joint = filled_joint();
  const at::Tensor x = exact_randn({5, 6}), before = joint.forward(x);
  int index = 0;
  const auto branch = std::make_shared<LowRank>(6, 2);
  joint.each_linear([&](Linear& part) {
    if (index++ == 1) part.set_branch(branch);
  });
  const at::Tensor after = joint.forward(x);
  EXPECT_LT(relative_error(after.narrow(1, 0, 4), before.narrow(1, 0, 4)), 1e-6);
  EXPECT_LT(relative_error(after.narrow(1, 4, 2), before.narrow(1, 4, 2) + at::mm(x, branch->delta().t())), 1e-5);
  joint.freeze(Precision::kFp32);
  EXPECT_LT(relative_error(joint.forward(x), after), 1e-5);
}

TEST(JointLinear, PartsAreNamedAsTheCheckpointHasThem) {
  JointLinear joint = filled_joint();
  Parameters p;
  joint.parameters(p);
  std::vector<std::string> names;
  for (const auto& parameter : p.list()) names.push_back(parameter.name);
  EXPECT_EQ(names, (std::vector<std::string>{"q.weight", "q.bias", "k.weight", "k.bias"}));
}

}  // namespace
}  // namespace limbeck::nn
