#include "kernels/log.h"

#include <gtest/gtest.h>

#include <cmath>

namespace limbeck::kernels {
namespace {

TEST(LogOfPositive, IsWithinTwoTenMillionthsOverTheWholeRange) {
  for (float x = 1.2e-38f; x < 3e38f; x *= 1.0009f) {
    const double exact = std::log(static_cast<double>(x));
    ASSERT_NEAR(log_of_positive(x), exact, 2e-7 * std::abs(exact) + 1e-7) << x;
  }
}

TEST(LogOfPositive, IsExactAtOneAndKeepsItsRelativePrecisionAroundIt) {
  EXPECT_EQ(log_of_positive(1), 0);
  for (int i = -1000; i <= 1000; ++i) {
    const float x = 1 + static_cast<float>(i) * 1e-6f;
    ASSERT_NEAR(log_of_positive(x), std::log(static_cast<double>(x)), 2e-7 * std::abs(x - 1)) << x;
  }
}

}  // namespace
}  // namespace limbeck::kernels
