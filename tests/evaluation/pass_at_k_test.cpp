#include "evaluation/pass_at_k.h"

#include <gtest/gtest.h>

#include <bit>

#include "base/errors.h"

namespace limbeck::evaluation {
namespace {

// The share of all subsets of k of n samples, the first c of which are right, that hold a right one.
double by_counting(int n, int c, int k) {
  int64_t subsets = 0, with_right = 0;
  for (uint32_t subset = 0; subset < (1u << n); ++subset) {
    if (std::popcount(subset) != k) continue;
    ++subsets;
    if ((subset & ((1u << c) - 1)) != 0) ++with_right;
  }
  return static_cast<double>(with_right) / static_cast<double>(subsets);
}

TEST(PassAtK, EqualsCountingAllSubsets) {
  for (int n = 1; n <= 10; ++n)
    for (int c = 0; c <= n; ++c)
      for (int k = 1; k <= n; ++k)
        EXPECT_NEAR(pass_at_k(n, c, k), by_counting(n, c, k), 1e-12) << n << " " << c << " " << k;
}

TEST(PassAtK, StaysExactWhereBinomialsWouldOverflow) {
  EXPECT_NEAR(pass_at_k(10000, 1, 1), 1e-4, 1e-15);
  EXPECT_NEAR(pass_at_k(10000, 1, 5000), 0.5, 1e-9);
}

TEST(PassAtK, RefusesCountsThatCannotBe) {
  EXPECT_THROW(pass_at_k(4, 5, 1), Error);
  EXPECT_THROW(pass_at_k(4, 1, 5), Error);
  EXPECT_THROW(pass_at_k(4, -1, 1), Error);
}

}  // namespace
}  // namespace limbeck::evaluation
