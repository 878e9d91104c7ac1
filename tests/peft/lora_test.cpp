#include "peft/lora.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/message_of.h"
#include "nn/gradient_check.h"

namespace limbeck::peft {
namespace {

// Three projections in one product and one after them.
struct Layers {
  nn::JointLinear qkv{{.in = 12, .bias = true, .parts = {{"q_proj", 10}, {"k_proj", 6}, {"v_proj", 6}}}};
  nn::Linear out{{.in = 22, .out = 7}};
  void parameters(nn::Parameters& p) {
    qkv.parameters(p);
    p.group("o_proj", out);
  }
  at::Tensor forward(const at::Tensor& x) { return out.forward(qkv.forward(x)); }
};

nn::Parameters listed(Layers& layers) {
  nn::Parameters p;
  p.group("block", layers);
  return p;
}

std::unique_ptr<Layers> random_layers() {
  auto layers = std::make_unique<Layers>();
  at::NoGradGuard no_grad;
  at::manual_seed(9);
  for (const auto& p : listed(*layers).list()) p.tensor->normal_();
  return layers;
}

void randomise(Lora& lora) {
  at::NoGradGuard no_grad;
  for (const auto& p : lora.parameters()) p.tensor->normal_();
}

TEST(Lora, FreshBranchesChangeNothingAndAIsWithinItsBound) {
  auto layers = random_layers();
  const at::Tensor x = at::randn({5, 12}), before = layers->forward(x);
  Lora lora(listed(*layers).linears(), {.rank = 4}, Seed(1));
  EXPECT_TRUE(at::allclose(layers->forward(x), before, 1e-6, 1e-6));
  ASSERT_EQ(lora.parameters().size(), 8u);
  for (const auto& p : lora.parameters()) {
    EXPECT_TRUE(p.tensor->requires_grad() && p.tensor->is_leaf());
    const double largest = p.tensor->abs().max().item<double>();
    if (p.name.ends_with("lora_B.weight"))
      EXPECT_EQ(largest, 0) << p.name;
    else
      EXPECT_LE(largest, 1 / std::sqrt(static_cast<double>(p.tensor->size(1)))) << p.name;
  }
  EXPECT_EQ(lora.parameters()[0].name, "block.q_proj.lora_A.weight");
}

TEST(Lora, IsTheDefinitionAndSoAreItsGradients) {
  auto layers = random_layers();
  const auto w = listed(*layers).list();  // q, k, v with biases, then o
  const auto weight = [&](int i) { return w[i].tensor->detach().to(at::kDouble); };
  Lora lora(listed(*layers).linears(), {.rank = 3, .alpha = 5, .targets = {"q_proj", "block.v_proj"}}, Seed(1));
  randomise(lora);
  const auto p = lora.parameters();
  ASSERT_EQ(p.size(), 4u);
  const at::Tensor x = at::randn({9, 12});
  const auto definition = [&](const std::vector<at::Tensor>& in) {  // x, qA, qB, vA, vB
    const auto part = [&](int i, const at::Tensor& a, const at::Tensor& b) {
      const at::Tensor y = at::linear(in[0], weight(2 * i), weight(2 * i + 1));
      return a.defined() ? y + at::matmul(at::matmul(in[0], a.t()), b.t()) * (5.0 / 3) : y;
    };
    const at::Tensor joined = at::cat({part(0, in[1], in[2]), part(1, {}, {}), part(2, in[3], in[4])}, 1);
    return nn::Results{at::linear(joined, weight(6))};
  };
  std::vector<at::Tensor> wide = {x.to(at::kDouble)};
  for (const auto& parameter : p) wide.push_back(parameter.tensor->detach().to(at::kDouble));
  const auto expected = nn::gradients_of(definition, wide);
  const auto got = nn::gradients_of([&](const auto& in) { return nn::Results{layers->forward(in[0])}; }, {x});
  EXPECT_LT(nn::relative_error(layers->forward(x), definition(wide)[0]), 1e-5);
  EXPECT_LT(nn::relative_error(got[0], expected[0]), 1e-5);
  for (int i = 0; i < 4; ++i) EXPECT_LT(nn::relative_error(p[i].tensor->grad(), expected[i + 1]), 1e-5) << p[i].name;
}

TEST(Lora, MergingKeepsTheFunctionAndEmptiesTheSlots) {
  auto layers = random_layers();
  Lora lora(listed(*layers).linears(), {.rank = 3, .rank_stabilised = true}, Seed(1));
  randomise(lora);
  const at::Tensor x = at::randn({5, 12}), before = layers->forward(x);
  lora.merge();
  EXPECT_TRUE(at::allclose(layers->forward(x), before, 1e-4, 1e-3));
  EXPECT_EQ(listed(*layers).list().size(), 7u);
  for (const auto& linear : listed(*layers).linears()) EXPECT_FALSE(linear.linear->has_slots());
}

TEST(Lora, DropoutIsOfTheRowsThatWereSetAndOfNoneOtherwise) {
  auto layers = random_layers();
  Lora lora(listed(*layers).linears(), {.rank = 3, .dropout = 0.5}, Seed(1));
  randomise(lora);
  const at::Tensor x = at::randn({4, 12}), keys = at::tensor({11, 12, 13, 14}, at::kLong);
  const at::Tensor whole = layers->forward(x);
  lora.set_rows(keys);
  const at::Tensor dropped = layers->forward(x);
  EXPECT_FALSE(at::allclose(dropped, whole, 1e-2, 1e-2));
  lora.set_rows(keys.narrow(0, 2, 2));  // the same tokens in another batch
  EXPECT_TRUE(at::allclose(layers->forward(x.narrow(0, 2, 2)), dropped.narrow(0, 2, 2), 1e-5, 1e-5));
  lora.set_rows({});
  EXPECT_TRUE(at::equal(layers->forward(x), whole));
}

TEST(Lora, TargetsAreNamesEndsOfNamesOrAnExpression) {
  const auto names = [](const LoraConfig& config) {
    auto layers = random_layers();
    Lora lora(listed(*layers).linears(), config, Seed(1));
    std::vector<std::string> result;
    for (const auto& p : lora.parameters())
      if (p.name.ends_with("lora_A.weight")) result.push_back(p.name.substr(0, p.name.find(".lora")));
    return result;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names({.targets = {"k_proj"}}), (Names{"block.k_proj"}));
  EXPECT_EQ(names({.target_expression = ".*\\.[qv]_proj"}), (Names{"block.q_proj", "block.v_proj"}));
  EXPECT_EQ(names({}).size(), 4u);
  for (const LoraConfig& wrong :
       {LoraConfig{.targets = {"q_proj", "c_attn"}}, LoraConfig{.targets = {"proj"}}, LoraConfig{.targets = {}},
        LoraConfig{.target_expression = "q_proj"}, LoraConfig{.target_expression = "("}})
    EXPECT_NE(message_of<UserError>([&] { names(wrong); }).find("target"), std::string::npos);
  EXPECT_NE(message_of<UserError>([&] { names({.rank = 0}); }).find("rank"), std::string::npos);
  EXPECT_NE(message_of<UserError>([&] { names({.dropout = 1}); }).find("dropout"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::peft
