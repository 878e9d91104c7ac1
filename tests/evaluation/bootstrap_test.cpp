#include "evaluation/bootstrap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/errors.h"

namespace limbeck::evaluation {
namespace {

std::vector<double> coin_flips(double chance, int64_t num, Seed seed) {
  Random random(seed);
  std::vector<double> flips(static_cast<std::size_t>(num));
  for (auto& flip : flips) flip = random.uniform() < chance ? 1 : 0;
  return flips;
}

TEST(Bootstrap, TheIntervalHoldsTheTrueMeanAboutAsOftenAsItSays) {
  int held = 0;
  constexpr int kTrials = 300;
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto flips = coin_flips(0.3, 100, Seed(7).derive(static_cast<uint64_t>(trial)));
    const Interval interval = bootstrap_mean(flips, {.resamples = 300, .seed = Seed(static_cast<uint64_t>(trial))});
    if (interval.low <= 0.3 && 0.3 <= interval.high) ++held;
  }
  EXPECT_GE(held, kTrials * 90 / 100);
  EXPECT_LE(held, kTrials * 99 / 100);
}

TEST(Bootstrap, TheWidthIsThatOfTheNormalApproximation) {
  const auto flips = coin_flips(0.5, 400, Seed(3));
  const Interval interval = bootstrap_mean(flips, {});
  const double expected = 2 * 1.96 * std::sqrt(interval.value * (1 - interval.value) / 400);
  EXPECT_NEAR(interval.high - interval.low, expected, 0.15 * expected);
}

TEST(Bootstrap, TheSameSeedGivesTheSameInterval) {
  const auto flips = coin_flips(0.5, 50, Seed(3));
  const Interval a = bootstrap_mean(flips, {.seed = Seed(5)}), b = bootstrap_mean(flips, {.seed = Seed(5)});
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
}

TEST(Bootstrap, ARatioWeighsProblemsByTheirCounts) {
  const std::vector<double> sums = {10, 1}, counts = {10, 1};
  const Interval interval = bootstrap_ratio(sums, counts, {});
  EXPECT_DOUBLE_EQ(interval.value, 1);
  EXPECT_DOUBLE_EQ(interval.low, 1);
  EXPECT_DOUBLE_EQ(bootstrap_ratio(std::vector<double>{6, 1}, std::vector<double>{2, 1}, {}).value, 7.0 / 3);
}

// Twenty copies of each of 20 coin flips say what 20 flips say, not what 400 do.
TEST(Bootstrap, DrawsProblemsOfAGroupTogether) {
  const auto flips = coin_flips(0.5, 20, Seed(3));
  std::vector<double> copies;
  std::vector<int64_t> groups;
  for (int copy = 0; copy < 20; ++copy)
    for (std::size_t i = 0; i < flips.size(); ++i)
      copies.push_back(flips[i]), groups.push_back(static_cast<int64_t>(i));
  const Interval alone = bootstrap_mean(flips, {}), grouped = bootstrap_mean(copies, {.groups = groups});
  EXPECT_NEAR(grouped.value, alone.value, 1e-12);
  EXPECT_NEAR(grouped.low, alone.low, 1e-12);
  EXPECT_NEAR(grouped.high, alone.high, 1e-12);
  EXPECT_LT(bootstrap_mean(copies, {}).high, grouped.high - 0.1);
  EXPECT_THROW(bootstrap_mean(flips, {.groups = groups}), Error);
}

TEST(Bootstrap, AResampleWithNothingToCountIsDrawnAgain) {
  const std::vector<double> sums = {6, 0}, counts = {2, 0};
  const Interval interval = bootstrap_ratio(sums, counts, {});
  EXPECT_EQ(interval.low, 3);
  EXPECT_EQ(interval.high, 3);
  EXPECT_THROW(bootstrap_ratio(std::vector<double>{0}, std::vector<double>{0}, {}), Error);
}

TEST(Bootstrap, AFewResamplesProveNoSmallPValue) {
  const std::vector<double> a(30, 1.0), b(30, 0.0);
  EXPECT_DOUBLE_EQ(compare_paired(a, b, {.resamples = 9}).p_value, 2 * 0.1);
}

TEST(Bootstrap, RefusesNoValuesAtAll) {
  EXPECT_THROW(bootstrap_mean({}, {}), Error);
}

TEST(Bootstrap, PairingFindsASmallDifferenceThatIsTheSameInEveryProblem) {
  Random random(Seed(11));
  std::vector<double> a(60), b(60);
  for (std::size_t i = 0; i < a.size(); ++i) b[i] = random.normal(), a[i] = b[i] + 0.05 + 0.01 * random.normal();
  const Comparison comparison = compare_paired(a, b, {});
  EXPECT_GT(comparison.difference.low, 0);
  EXPECT_NEAR(comparison.difference.value, 0.05, 0.01);
  EXPECT_LT(comparison.p_value, 0.01);
  const Comparison same = compare_paired(a, a, {});
  EXPECT_EQ(same.difference.value, 0);
  EXPECT_EQ(same.p_value, 1);
}

TEST(Bootstrap, OfAMeanAsAnyFigureIsThatOfTheMean) {
  const auto flips = coin_flips(0.5, 60, Seed(3));
  const auto mean = [&](std::span<const int64_t> drawn) {
    double sum = 0;
    for (const int64_t i : drawn) sum += flips[i];
    return sum / static_cast<double>(drawn.size());
  };
  const Interval any = bootstrap_statistic(60, mean, {}), own = bootstrap_mean(flips, {});
  EXPECT_NEAR(any.value, own.value, 1e-12);
  EXPECT_NEAR(any.low, own.low, 1e-12);
  EXPECT_NEAR(any.high, own.high, 1e-12);
  const Comparison same = compare_statistics(60, mean, mean, {});
  EXPECT_EQ(same.difference.high, 0);
  EXPECT_EQ(same.p_value, 1);
}

TEST(Bootstrap, DrawsTheRowsOfAGroupTogetherForAnyFigure) {
  const std::vector<int64_t> groups = {0, 0, 1, 1, 1};
  bootstrap_statistic(5,
                      [&](std::span<const int64_t> drawn) {
                        const auto count = [&](int64_t row) { return std::count(drawn.begin(), drawn.end(), row); };
                        EXPECT_EQ(count(0), count(1));
                        EXPECT_EQ(count(2), count(4));
                        return 0.0;
                      },
                      {.resamples = 20, .groups = groups});
  EXPECT_THROW(bootstrap_statistic(4, [](auto) { return 0.0; }, {.groups = groups}), Error);
  EXPECT_THROW(bootstrap_statistic(0, [](auto) { return 0.0; }, {}), Error);
}

}  // namespace
}  // namespace limbeck::evaluation
