#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "sandbox/judge.h"

namespace limbeck::sandbox {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Row {
  double answer, expected;
  bool usual, with_signed_denominator;  // passes with max(|a|, 1e-5), and with the official max(a, 1e-5)
};

// Worked out by hand from |z - a| / denominator < 0.01.
const Row kRows[] = {
    {10, 10, true, true},          {10.05, 10, true, true},  // 0.5 % off: the specification's example
    {101, 100, false, false},                                // 1 % is not below 1 %
    {10.2, 10, false, false},      {-10, -10, true, true},   // 0 / 1e-5
    {-10.05, -10, true, false},                              // 0.05 / 1e-5 = 5000
    {10, -10, false, false},       {0, 0, true, true},
    {1e-8, 0, true, true},    // 1e-8 / 1e-5 = 0.001
    {1e-6, 0, false, false},  // 0.1
    {-1e-8, 0, true, true},        {5e-6, 5.00001e-6, true, true},
    {kNan, 10, false, false},      {10, kNan, false, false},
    {kInfinity, 10, false, false}, {kInfinity, kInfinity, false, false},  // infinity - infinity is NaN
    {1e308, 1e308, true, true},    {-1e308, 1e308, false, false},
};

TEST(AnswerMatches, FollowsTheTableWithBothDenominators) {
  for (const Row& row : kRows) {
    EXPECT_EQ(answer_matches(row.answer, AnswerType::kFloat, row.expected, {}), row.usual)
        << row.answer << " for " << row.expected;
    EXPECT_EQ(answer_matches(row.answer, AnswerType::kFloat, row.expected, {.signed_denominator = true}),
              row.with_signed_denominator)
        << row.answer << " for " << row.expected << ", signed denominator";
  }
}

TEST(AnswerMatches, HoldsAnIntToTheTypePolicy) {
  EXPECT_TRUE(answer_matches(10, AnswerType::kInt, 10, {.type_policy = TypePolicy::kNumber}));
  EXPECT_FALSE(answer_matches(10, AnswerType::kInt, 10, {.type_policy = TypePolicy::kFloatOnly}));
  EXPECT_TRUE(answer_matches(10, AnswerType::kFloat, 10, {.type_policy = TypePolicy::kFloatOnly}));
}

TEST(AnswerMatches, NeverTakesWhatIsNoNumber) {
  for (const auto policy : {TypePolicy::kNumber, TypePolicy::kFloatOnly})
    for (const auto type : {AnswerType::kOther, AnswerType::kNone})
      EXPECT_FALSE(answer_matches(10, type, 10, {.type_policy = policy}));
}

TEST(AnswerMatches, UsesTheToleranceItIsGiven) {
  EXPECT_TRUE(answer_matches(14, AnswerType::kFloat, 10, {.relative_tolerance = 0.5}));
  EXPECT_FALSE(answer_matches(10.0001, AnswerType::kFloat, 10, {.relative_tolerance = 1e-6}));
}

TEST(AnswerCheck, IsReadFromFlags) {
  AnswerCheck check;
  Fields fields = fields_of(check);
  read_options(fields, "", {"--relative_tolerance=0.2", "--type_policy=float_only", "--signed_denominator"});
  EXPECT_EQ(check.relative_tolerance, 0.2);
  EXPECT_EQ(check.type_policy, TypePolicy::kFloatOnly);
  EXPECT_TRUE(check.signed_denominator);
}

}  // namespace
}  // namespace limbeck::sandbox
