#include "teachers/budget.h"

#include <gtest/gtest.h>

namespace limbeck::teachers {
namespace {

TEST(Budget, LetsARequestThroughOnlyWhenItsWorstKeepsTheCapWithAllThatIsUnderWay) {
  Budget budget({.tokens = 100}, {}, {.prompt = 20, .completion = 10});
  EXPECT_TRUE(budget.reserve({.prompt = 30, .completion = 10}));
  EXPECT_FALSE(budget.reserve({.prompt = 20, .completion = 11}));
  EXPECT_TRUE(budget.reserve({.prompt = 20, .completion = 10})) << "up to the cap itself";
  EXPECT_FALSE(budget.reserve({.prompt = 1}));
  budget.settle({.prompt = 30, .completion = 10}, {.prompt = 25, .completion = 1});
  EXPECT_TRUE(budget.reserve({.prompt = 14}));
  EXPECT_FALSE(budget.reserve({.prompt = 1}));
  EXPECT_EQ(budget.spent().total(), 56);
}

TEST(Budget, CountsMoneyByThePricesOfAMillionTokens) {
  Budget budget({.cost = 1}, {.prompt = 2, .completion = 10}, {});
  EXPECT_FALSE(budget.reserve({.prompt = 1, .completion = 100'000}));
  EXPECT_TRUE(budget.reserve({.prompt = 250'000, .completion = 50'000}));
  EXPECT_FALSE(budget.reserve({.completion = 1}));
  budget.settle({.prompt = 250'000, .completion = 50'000}, {.prompt = 250'000, .completion = 25'000});
  EXPECT_DOUBLE_EQ(budget.cost(), 0.75);
}

TEST(Budget, WithoutACapEverythingIsLetThrough) {
  Budget budget({}, {.prompt = 1e6}, {});
  EXPECT_TRUE(budget.reserve({.prompt = int64_t{1} << 50}));
}

}  // namespace
}  // namespace limbeck::teachers
