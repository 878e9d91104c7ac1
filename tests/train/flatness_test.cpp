#include "train/flatness.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"

namespace limbeck::train {
namespace {

// ½ Σ aᵢ xᵢ² over a matrix and a vector: its Hessian has the eigenvalues aᵢ.
struct Bowl {
  at::Tensor matrix = at::ones({2, 3}, at::kDouble).requires_grad_(true),
             vector = at::full({2}, 2.0, at::kDouble).requires_grad_(true);
  at::Tensor of_matrix = at::full({2, 3}, 1.0, at::kDouble), of_vector = at::tensor({7.0, 3.0}, at::kDouble);
  int64_t changes = 0;

  Trainable trainable() {
    return {.parameters = {{"matrix", &matrix}, {"vector", &vector}}, .weights_changed = [this] { ++changes; }};
  }
  at::Tensor loss() const { return 0.5 * ((of_matrix * matrix * matrix).sum() + (of_vector * vector * vector).sum()); }
  LossHere value() const {
    return [this] {
      const at::NoGradGuard no_grad;
      return loss().item<double>();
    };
  }
};

TEST(LargestCurvature, IsTheLargestEigenvalueOfTheHessian) {
  Bowl bowl;
  const double found = largest_curvature(
      bowl.trainable(), [&] { bowl.loss().backward(); }, {.iterations = 60}, Seed(1));
  EXPECT_NEAR(found, 7, 1e-6);
  EXPECT_FALSE(bowl.matrix.grad().defined());
}

TEST(LossUnderNoise, GrowsWithTheSquareOfTheRadiusInABowl) {
  Bowl bowl;
  const auto increases =
      loss_under_noise(bowl.trainable(), bowl.value(), {.radii = {0.01, 0.02, 0}, .draws = 400}, Seed(1));
  EXPECT_EQ(increases[2], 0);
  // Of the quadratic part: ½ r² (1·‖row‖² a row + ‖vector‖²·mean(7, 3)). The same draws at every radius: L(2r) - 2 L(r)
  // has the linear part no more.
  const double expected = 0.5 * 1e-4 * (3 + 3 + 8 * 5);
  EXPECT_NEAR(increases[1] - 2 * increases[0], 2 * expected, 0.2 * expected);
}

TEST(LossAlongLine, FollowsTheLineToOtherWeights) {
  Bowl bowl;
  const std::vector<at::Tensor> others = {at::zeros({2, 3}, at::kDouble), at::zeros({2}, at::kDouble)};
  const double here = bowl.value()();
  const auto losses = loss_along_line(bowl.trainable(), others, {-1, 0, 0.5, 1}, bowl.value());
  EXPECT_NEAR(losses[0], 4 * here, 1e-12);
  EXPECT_EQ(losses[1], here);
  EXPECT_NEAR(losses[2], here / 4, 1e-12);
  EXPECT_EQ(losses[3], 0);
  EXPECT_NE(message_of([&] { loss_along_line(bowl.trainable(), {}, {0}, bowl.value()); }).find("each of 2"),
            std::string::npos);
}

TEST(Flatness, PutsTheWeightsBackBitForBitAndSaysThatTheyChanged) {
  Bowl bowl;
  const at::Tensor before = bowl.vector.detach().clone();
  loss_under_noise(bowl.trainable(), bowl.value(), {.draws = 2}, Seed(3));
  EXPECT_TRUE(bowl.vector.detach().equal(before));
  EXPECT_EQ(bowl.changes, 2 * 3 + 1);
}

}  // namespace
}  // namespace limbeck::train
