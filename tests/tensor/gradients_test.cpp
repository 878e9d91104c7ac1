#include "tensor/gradients.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace limbeck {
namespace {

TEST(HandOver, GivesTheGradientToAutogradUnlessItIsToGoInPlace) {
  const at::Tensor leaf = at::zeros({3}).requires_grad_(true), gradient = at::ones({3});
  EXPECT_TRUE(hand_over(leaf, gradient).is_same(gradient));
  EXPECT_FALSE(leaf.grad().defined());
  const GradientsInPlace in_place;
  EXPECT_FALSE(hand_over(leaf, gradient).defined());
  EXPECT_TRUE(leaf.grad().is_same(gradient));
  EXPECT_FALSE(hand_over(leaf, at::full({3}, 2.0f)).defined());
  EXPECT_TRUE(at::equal(leaf.grad(), at::full({3}, 3.0f)));
}

TEST(TakesGradientInPlace, OnlyALeafThatWantsOneWhileTheScopeLasts) {
  const at::Tensor leaf = at::zeros({3}).requires_grad_(true), inner = leaf * 2, constant = at::zeros({3});
  {
    const GradientsInPlace outer;
    { const GradientsInPlace nested; }
    EXPECT_TRUE(takes_gradient_in_place(leaf));
    EXPECT_FALSE(takes_gradient_in_place(inner));
    EXPECT_FALSE(takes_gradient_in_place(constant));
    EXPECT_FALSE(takes_gradient_in_place({}));
  }
  EXPECT_FALSE(takes_gradient_in_place(leaf));
}

}  // namespace
}  // namespace limbeck
