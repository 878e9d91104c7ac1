#include "recipes/ekt_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

class Pairs : public TinyEkt {
 protected:
  // Sample i of every problem is "s<i>"; the second one is kept.
  void fill(EktContext& context) {
    for (const auto& problem : context.train)
      for (int64_t i = 0; i < options_.k; ++i)
        context.samples.push_back({.id = problem.id, .sample = i, .program = "s" + std::to_string(i), .kept = i == 1});
  }
};

TEST_F(Pairs, VerifiedPairsAreTheKeptSamplesWithTheirQuestions) {
  const auto run = open_run("run");
  EktContext context(options_, run);
  fill(context);
  const auto pairs = verified_pairs(context, context.samples);
  ASSERT_EQ(pairs.size(), context.train.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(pairs[i].question, context.train[i].question);
    EXPECT_EQ(pairs[i].program, "s1");
  }
}

TEST_F(Pairs, UnverifiedPairsTakeTheFirstSampleOfRandomProblemsWhateverItsVerdict) {
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

TEST_F(Pairs, UnverifiedPairsLeaveOutProgramsThatQuoteATestQuestion) {
  const auto run = open_run("run");
  EktContext context(options_, run);
  fill(context);
  context.samples.front().program = context.test.front().question;
  const auto pairs = unverified_pairs(context, context.train.size());
  ASSERT_EQ(pairs.size(), context.train.size());
  for (const auto& pair : pairs) EXPECT_NE(pair.program, context.test.front().question);
  EXPECT_EQ(pairs.back().program, "s1") << "a second sample of another problem instead";
}

TEST_F(Pairs, AtMostMaxPairsAreDrawnAtRandomInTheOrderOfTheProblems) {
  options_.max_pairs = 4;
  const auto run = open_run("run");
  EktContext context(options_, run);
  fill(context);
  const auto some = verified_pairs(context, context.samples);
  ASSERT_EQ(some.size(), 4u);
  std::vector<std::size_t> places;
  for (const auto& pair : some)
    for (std::size_t i = 0; i < context.train.size(); ++i)
      if (context.train[i].question == pair.question) places.push_back(i);
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
  EXPECT_NE(places, (std::vector<std::size_t>{0, 1, 2, 3})) << "not simply the first ones";
  EXPECT_EQ(verified_pairs(context, context.samples)[0].question, some[0].question);
}

}  // namespace
}  // namespace limbeck::recipes
