#include "recipes/ekt_arms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

class Arms : public TinyEkt {
 protected:
  // Sample i of every problem is "s<i>"; the second one is kept.
  void fill(EktContext& context) {
    for (const auto& problem : context.train)
      for (int64_t i = 0; i < options_.k; ++i)
        context.samples.push_back({.id = problem.id, .sample = i, .program = "s" + std::to_string(i), .kept = i == 1});
  }
};

TEST(EktArms, AreFoundByName) {
  EXPECT_EQ(find_arm("ekt")->title, "Student, EKT");
  EXPECT_EQ(find_arm("distillation"), nullptr);
  EXPECT_EQ(arm_names_text(), "few_shot, unfiltered, ekt");
}

TEST_F(Arms, VerifiedPairsAreTheKeptSamplesWithTheirQuestions) {
  const auto run = open_run("run");
  EktContext context(options_, run);
  fill(context);
  const auto pairs = verified_pairs(context);
  ASSERT_EQ(pairs.size(), context.train.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(pairs[i].question, context.train[i].question);
    EXPECT_EQ(pairs[i].program, "s1");
  }
}

TEST_F(Arms, UnverifiedPairsTakeTheFirstSampleOfRandomProblemsWhateverItsVerdict) {
  const auto run = open_run("run");
  EktContext context(options_, run);
  fill(context);
  const auto few = unverified_pairs(context, 5);
  ASSERT_EQ(few.size(), 5u);
  std::set<std::string> questions;
  for (const auto& pair : few) {
    EXPECT_EQ(pair.program, "s0");
    questions.insert(pair.question);
  }
  EXPECT_EQ(questions.size(), 5u) << "each from another problem";
  const auto many = unverified_pairs(context, context.train.size() + 2);
  EXPECT_EQ(many[context.train.size() - 1].program, "s0");
  EXPECT_EQ(many.back().program, "s1") << "second samples only when the first ones are used up";
}

TEST_F(Arms, UnverifiedPairsLeaveOutProgramsThatQuoteATestQuestion) {
  const auto run = open_run("run");
  EktContext context(options_, run);
  fill(context);
  context.samples.front().program = context.test.front().question;
  const auto pairs = unverified_pairs(context, context.train.size());
  ASSERT_EQ(pairs.size(), context.train.size());
  for (const auto& pair : pairs) EXPECT_NE(pair.program, context.test.front().question);
  EXPECT_EQ(pairs.back().program, "s1") << "a second sample of another problem instead";
}

}  // namespace
}  // namespace limbeck::recipes
