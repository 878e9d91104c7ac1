#include "synthesis/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::synthesis {
namespace {

using sandbox::Outcome;
using ::testing::ElementsAre;

JudgedSample sample(const std::string& program, Outcome outcome = Outcome::kPassed) {
  JudgedSample result{.program = program};
  result.verdict.outcome = outcome;
  return result;
}

const Problem kProblem{"p", "How many?", 3};

std::vector<std::string> reasons(Selector& selector, std::vector<JudgedSample> samples,
                                 const Problem& problem = kProblem) {
  selector.decide(problem, samples);
  std::vector<std::string> list;
  for (const auto& s : samples) {
    EXPECT_EQ(s.kept, s.reason == "kept");
    list.push_back(s.reason);
  }
  return list;
}

std::vector<JudgedSample> mixed() {
  return {sample("answer = 2", Outcome::kWrongAnswer), sample("answer = 3"),     sample("answer  =  3  # three"),
          sample("answer = 1 +", Outcome::kException), sample("answer = 1 + 2"), sample("answer = 3")};
}

TEST(Selection, FirstPassKeepsOneProgramAQuestion) {
  Selector selector({.filter = Filter::kFirstPass}, nullptr);
  EXPECT_THAT(reasons(selector, mixed()),
              ElementsAre("wrong_answer", "kept", "not_first", "exception", "not_first", "not_first"));
}

TEST(Selection, AllPassWithoutDeduplicationKeepsEveryPassingSample) {
  Selector selector({.filter = Filter::kAllPass, .deduplicate = Deduplicate::kOff}, nullptr);
  EXPECT_THAT(reasons(selector, mixed()), ElementsAre("wrong_answer", "kept", "kept", "exception", "kept", "kept"));
}

TEST(Selection, AllPassWithExactDeduplicationDropsOnlyEqualBytes) {
  Selector selector({.filter = Filter::kAllPass, .deduplicate = Deduplicate::kExact}, nullptr);
  EXPECT_THAT(reasons(selector, mixed()),
              ElementsAre("wrong_answer", "kept", "kept", "exception", "kept", "duplicate"));
}

TEST(Selection, DistinctPassKeepsOneOfEachNormalForm) {
  Selector selector({.filter = Filter::kDistinctPass, .deduplicate = Deduplicate::kOff}, nullptr);
  EXPECT_THAT(reasons(selector, mixed()),
              ElementsAre("wrong_answer", "kept", "duplicate", "exception", "kept", "duplicate"));
}

TEST(Selection, ACopyOfAnEarlierQuestionIsADuplicateWithTheSameProgramOnly) {
  Selector selector({.filter = Filter::kAllPass}, nullptr);
  EXPECT_THAT(reasons(selector, {sample("answer = 3")}), ElementsAre("kept"));
  const Problem copy{"q", "how many", 3}, other{"r", "How many more?", 3};
  EXPECT_THAT(reasons(selector, {sample("answer=3"), sample("answer = 4 - 1")}, copy),
              ElementsAre("duplicate", "kept"));
  EXPECT_THAT(reasons(selector, {sample("answer = 3")}, other), ElementsAre("kept"));
}

TEST(Selection, AProgramThatQuotesATestQuestionIsRejectedAndTheNextOneTakesItsPlace) {
  const std::vector<Problem> test = {{"t", "Ann has three apples and one pear", 4}};
  const TestSet test_set(test, {.ngram = 5});
  Selector selector({}, &test_set);
  EXPECT_THAT(reasons(selector, {sample("answer = 3  # Ann has three apples and one"), sample("answer = 3")}),
              ElementsAre("contaminated", "kept"));
}

TEST(Selection, EveryVerdictThatIsNotAPassIsItsOwnReason) {
  Selector selector({}, nullptr);
  EXPECT_THAT(reasons(selector, {sample("a", Outcome::kTimeOut), sample("b", Outcome::kMemory),
                                 sample("c", Outcome::kForbiddenCall), sample("d", Outcome::kKilled),
                                 sample("e", Outcome::kOutputLimit)}),
              ElementsAre(sandbox::name_of(Outcome::kTimeOut), sandbox::name_of(Outcome::kMemory),
                          sandbox::name_of(Outcome::kForbiddenCall), sandbox::name_of(Outcome::kKilled),
                          sandbox::name_of(Outcome::kOutputLimit)));
}

}  // namespace
}  // namespace limbeck::synthesis
