#include "evaluation/programs.h"

#include <gtest/gtest.h>

namespace limbeck::evaluation {
namespace {

using sandbox::Outcome;
using sandbox::Verdict;

TEST(Programs, ARightOneAndAWrongNumberAreExecutableAnExceptionIsNot) {
  Tally tally;
  count(tally, {.outcome = Outcome::kPassed, .answer = 3.0});
  count(tally, {.outcome = Outcome::kWrongAnswer, .answer = 4.0});
  count(tally, {.outcome = Outcome::kWrongAnswer, .detail = "no answer"});
  count(tally, {.outcome = Outcome::kException});
  count(tally, {.outcome = Outcome::kTimeOut});
  EXPECT_EQ(tally.num_samples, 5);
  EXPECT_EQ(tally.num_passed, 1);
  EXPECT_EQ(tally.num_executable, 2);
}

TEST(Programs, PassAtOneIsTheShareOfRightSamples) {
  const std::vector<Tally> problems = {{4, 1, 4}, {4, 3, 4}, {4, 0, 2}};
  EXPECT_DOUBLE_EQ(pass_at_k(problems, 1, {}).value, (0.25 + 0.75 + 0) / 3);
  EXPECT_DOUBLE_EQ(pass_at_k(problems, 4, {}).value, 2.0 / 3);
  EXPECT_DOUBLE_EQ(executable_rate(problems, {}).value, 10.0 / 12);
}

TEST(Programs, LinesAreCountedWithoutBlankOnes) {
  EXPECT_EQ(num_lines(""), 0);
  EXPECT_EQ(num_lines("a = 1\n\n  \nanswer = a"), 2);
  EXPECT_EQ(num_lines("\n a\n"), 1);
}

}  // namespace
}  // namespace limbeck::evaluation
