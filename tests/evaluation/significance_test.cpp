#include "evaluation/significance.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/errors.h"
#include "evaluation/golden_metrics.h"

namespace limbeck::evaluation {
namespace {

TEST(Mcnemar, IsTheExactBinomialTestOfScipy) {
  for (const Json& row : golden_metrics("mcnemar"))
    EXPECT_NEAR(mcnemar_p(row["a"].get<int64_t>(), row["b"].get<int64_t>()), row["p"].get<double>(), 1e-10);
  EXPECT_EQ(mcnemar_p(0, 0), 1);
  EXPECT_THROW(mcnemar_p(-1, 2), Error);
}

// All 16 exchanges of 4 rows: |±1 ±2 ±3 ±4| is 10 in two of them, and at least 8 in four.
TEST(Permutation, IsTheShareOfExchangesAtLeastAsFarApart) {
  const std::vector<double> a = {1, 2, 3, 4}, zeros(4), less = {-1, 2, 3, 4};
  EXPECT_NEAR(permutation_p(a, zeros, Seed(1), 100000), 2.0 / 16, 0.005);
  EXPECT_NEAR(permutation_p(less, zeros, Seed(1), 100000), 4.0 / 16, 0.006);
  EXPECT_EQ(permutation_p(a, a, Seed(1)), 1);
  EXPECT_EQ(permutation_p(a, zeros, Seed(3), 50), permutation_p(a, zeros, Seed(3), 50));
  EXPECT_THROW(permutation_p(a, {}, Seed(1)), Error);
}

TEST(Permutation, OfManyRowsThatAllDifferAlikeIsSmall) {
  const std::vector<double> a(200, 0.1), b(200);
  EXPECT_NEAR(permutation_p(a, b, Seed(1), 999), 0.001, 1e-12);
}

}  // namespace
}  // namespace limbeck::evaluation
