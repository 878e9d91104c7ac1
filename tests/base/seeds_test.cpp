#include "base/seeds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

namespace limbeck {
namespace {

TEST(Seed, DerivesTheSameWhateverTheOrder) {
  const Seed root(7);
  const Seed first = root.derive("training").derive(3);
  root.derive("sampling");
  EXPECT_EQ(root.derive("training").derive(3).value(), first.value());
}

TEST(Seed, DerivesApartForNamesIndicesAndParents) {
  std::set<uint64_t> values;
  for (uint64_t parent = 0; parent < 20; ++parent) {
    for (uint64_t i = 0; i < 100; ++i) values.insert(Seed(parent).derive(i).value());
    for (uint64_t i = 0; i < 100; ++i) values.insert(Seed(parent).derive(std::to_string(i)).value());
    values.insert(Seed(parent).derive("").value());
  }
  EXPECT_EQ(values.size(), 20u * 201u);
}

TEST(Seed, KeepsItsNumbersAcrossVersions) {
  // Of this implementation; they must never change, or old runs could not be repeated.
  EXPECT_EQ(Seed(1).derive("model").value(), 12330739638369488451ULL);
  EXPECT_EQ(Seed(1).derive(5).value(), 2165739713260230511ULL);
}

TEST(Random, IsXoshiro256PlusPlus) {
  // First outputs of the authors' C code with the state {1, 2, 3, 4}.
  Random random{Seed(0)};
  random.set_state({1, 2, 3, 4});
  EXPECT_EQ(random(), 41943041u);
  EXPECT_EQ(random(), 58720359u);
  EXPECT_EQ(random(), 3588806011781223u);
  EXPECT_EQ(random(), 3591011842654386u);
}

TEST(Random, IsSeededBySplitMix64) {
  // The first output of SplitMix64 from state 0, as in its authors' code, is the first word of the state.
  EXPECT_EQ(Random(Seed(0)).state()[0], 0xe220a8397b1dcdafULL);
}

TEST(Random, IsUniformBelowABoundThatDividesNothing) {
  Random random(Seed(5));
  constexpr int kDraws = 70000, kBound = 7;
  int counts[kBound] = {};
  for (int i = 0; i < kDraws; ++i) ++counts[random.below(kBound)];
  double chi_square = 0;
  for (const int count : counts) chi_square += std::pow(count - kDraws / kBound, 2) / (kDraws / kBound);
  EXPECT_LT(chi_square, 22.5);  // 6 degrees of freedom, p = 0.001
}

TEST(Random, HoldsTheMomentsOfTheNormalDistribution) {
  Random random(Seed(3));
  constexpr int kDraws = 200000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x, squares += x * x, fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.01);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
  EXPECT_NEAR(fourth / kDraws, 3, 0.15);
}

TEST(Random, StaysInTheHalfOpenUnitInterval) {
  Random random(Seed(9));
  double least = 1, most = 0;
  for (int i = 0; i < 100000; ++i) {
    const double u = random.uniform();
    least = std::min(least, u), most = std::max(most, u);
  }
  EXPECT_GE(least, 0);
  EXPECT_LT(most, 1);
  EXPECT_LT(least, 0.001);
  EXPECT_GT(most, 0.999);
}

TEST(Random, ShufflesIntoAPermutationThatTheSeedFixes) {
  std::vector<int> items(100), again(100);
  std::iota(items.begin(), items.end(), 0);
  again = items;
  const auto sorted = items;
  Random(Seed(1)).shuffle(items);
  Random(Seed(1)).shuffle(again);
  EXPECT_EQ(items, again);
  EXPECT_NE(items, sorted);
  std::sort(items.begin(), items.end());
  EXPECT_EQ(items, sorted);
}

TEST(Random, GoesOnFromASavedState) {
  Random random(Seed(2));
  random();
  const auto state = random.state();
  const auto next = random();
  Random other(Seed(99));
  other.set_state(state);
  EXPECT_EQ(other(), next);
}

}  // namespace
}  // namespace limbeck
