#include "kernels/exp.h"

#include <gtest/gtest.h>

#include <cmath>

namespace limbeck::kernels {
namespace {

TEST(ExpOfNegative, IsWithinThreeTenMillionthsOverItsRange) {
  for (double x = -86.9; x <= 0; x += 0.00137)
    ASSERT_NEAR(exp_of_negative(static_cast<float>(x)) / std::exp(static_cast<double>(static_cast<float>(x))), 1, 3e-7)
        << x;
  EXPECT_EQ(exp_of_negative(0), 1.0f);
}

TEST(ExpOfNegative, IsTinyBelowTheRangeAndKeepsNan) {
  EXPECT_LT(exp_of_negative(-1e30f), 1e-37f);
  EXPECT_LT(exp_of_negative(-INFINITY), 1e-37f);
  EXPECT_TRUE(std::isnan(exp_of_negative(NAN)));
}

TEST(HyperbolicTangent, IsWithinFourTenMillionthsAndKeepsItsSign) {
  for (double x = -12; x <= 12; x += 0.00037) {
    const float at = static_cast<float>(x);
    ASSERT_NEAR(hyperbolic_tangent(at), std::tanh(double{at}), 4e-7 * std::abs(std::tanh(double{at})) + 1e-30) << x;
  }
  EXPECT_EQ(hyperbolic_tangent(0), 0.0f);
  EXPECT_EQ(hyperbolic_tangent(1e30f), 1.0f);
  EXPECT_EQ(hyperbolic_tangent(-INFINITY), -1.0f);
  EXPECT_TRUE(std::isnan(hyperbolic_tangent(NAN)));
}

}  // namespace
}  // namespace limbeck::kernels
