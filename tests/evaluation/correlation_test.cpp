#include "evaluation/correlation.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "evaluation/golden_metrics.h"

namespace limbeck::evaluation {
namespace {

using Values = std::vector<double>;

TEST(Correlation, IsThatOfScipy) {
  for (const Json& row : golden_metrics("scores")) {
    const auto a = row.at("a").get<Values>(), b = row.at("b").get<Values>();
    EXPECT_NEAR(pearson(a, b), row.at("pearson").get<double>(), 1e-12);
    EXPECT_NEAR(spearman(a, b), row.at("spearman").get<double>(), 1e-12);
  }
}

TEST(Correlation, OfEqualValuesSharesTheirRanks) {
  EXPECT_EQ(mean_ranks(Values{5, 1, 5, 5, 0}), (Values{4, 2, 4, 4, 1}));
}

TEST(Correlation, IsNoneWhereOneSideIsConstant) {
  EXPECT_EQ(pearson(Values{0.1, 0.1, 0.1}, Values{1, 2, 3}), 0);
  EXPECT_EQ(spearman(Values{1, 2, 3}, Values{7, 7, 7}), 0);
  EXPECT_EQ(pearson(Values{3}, Values{4}), 0);
  EXPECT_THROW(pearson(Values{}, Values{}), Error);
  EXPECT_THROW(pearson(Values{1}, Values{1, 2}), Error);
}

TEST(Correlation, DoesNotDependOnUnits) {
  const Values a = {1, 5, 2, 8}, b = {2, 4, 4, 9};
  Values far = a;
  for (double& x : far) x = 1e6 + 1e-3 * x;
  EXPECT_NEAR(pearson(far, b), pearson(a, b), 1e-6);
}

}  // namespace
}  // namespace limbeck::evaluation
