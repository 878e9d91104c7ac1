#include "nn/projections.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"

namespace limbeck::nn {
namespace {

std::vector<std::string> names_of(Projections& projections) {
  Parameters parameters;
  projections.parameters(parameters);
  std::vector<std::string> names;
  for (const auto& p : parameters.list()) names.push_back(p.name);
  return names;
}

TEST(Projections, LeadToAnotherWidthAndLearn) {
  Projections projections({.in = 3, .out = 5, .states = 2}, Seed(1));
  const at::Tensor x = at::ones({4, 3}), y = projections.forward(1, x);
  EXPECT_EQ(y.sizes(), (std::vector<int64_t>{4, 5}));
  y.sum().backward();
  Parameters parameters;
  projections.parameters(parameters);
  for (const auto& p : parameters.list()) EXPECT_TRUE(p.tensor->grad().defined()) << p.name;
}

TEST(Projections, AreOneForAllStatesOrOneForEach) {
  Projections shared({.in = 3, .out = 5, .states = 3}, Seed(1));
  Projections each({.in = 3, .out = 5, .states = 2, .sharing = Projections::Sharing::kEach}, Seed(1));
  EXPECT_EQ(names_of(shared), (std::vector<std::string>{"projection.weight", "projection.bias"}));
  EXPECT_EQ(names_of(each), (std::vector<std::string>{"projections.0.weight", "projections.0.bias",
                                                      "projections.1.weight", "projections.1.bias"}));
  const at::Tensor x = at::ones({1, 3});
  EXPECT_TRUE(shared.forward(0, x).equal(shared.forward(2, x)));
  EXPECT_FALSE(each.forward(0, x).equal(each.forward(1, x)));
  EXPECT_NE(message_of([&] { each.forward(2, x); }).find("0 to 1"), std::string::npos);
}

TEST(Projections, StartAsTheSeedSaysWithoutBias) {
  const at::Tensor zero = at::zeros({1, 3}), one = at::ones({1, 3});
  Projections a({.in = 3, .out = 5}, Seed(1)), b({.in = 3, .out = 5}, Seed(1)), c({.in = 3, .out = 5}, Seed(2));
  EXPECT_EQ(a.forward(0, zero).abs().sum().item<float>(), 0);
  EXPECT_TRUE(a.forward(0, one).equal(b.forward(0, one)));
  EXPECT_FALSE(a.forward(0, one).equal(c.forward(0, one)));
}

}  // namespace
}  // namespace limbeck::nn
