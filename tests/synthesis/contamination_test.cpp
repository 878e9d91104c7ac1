#include "synthesis/contamination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::synthesis {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;

const std::vector<Problem> kTest = {{"t1", "Ann has 3 red apples and buys 4 more. How many apples has she?", 7}};

TEST(Contamination, TheSameQuestionIsFoundWhateverItsCaseAndPunctuation) {
  const TestSet test(kTest, {});
  EXPECT_THAT(test.overlap("ANN has 3 red apples, and buys 4 more; how many apples has she"),
              Optional(HasSubstr("same question as test problem 't1'")));
  EXPECT_EQ(test.overlap("Ann has 5 red apples and buys 4 more. How many apples has she?"), std::nullopt);
}

TEST(Contamination, ARunOfSharedWordsIsFoundAnywhereInTheText) {
  const TestSet test(kTest, {.ngram = 5});
  EXPECT_THAT(test.overlap("Today Bob has 3 red apples and a pear."), Optional(HasSubstr("shares 5 words in a row")));
  EXPECT_EQ(test.overlap("Today Bob has 3 red pears and buys 4 less."), std::nullopt) << "runs of 3 and 3 words only";
  EXPECT_THAT(test.overlap("x = 1  # buys 4 more. How many"), Optional(HasSubstr("'t1'")))
      << "a program's comment counts";
}

TEST(Contamination, TheRunHasToBeAsLongAsAskedAndNoShorter) {
  const std::string six_shared = "Zed has 3 red apples and buys";  // has 3 red apples and buys
  EXPECT_TRUE(TestSet(kTest, {.ngram = 6}).overlap(six_shared));
  EXPECT_FALSE(TestSet(kTest, {.ngram = 7}).overlap(six_shared));
}

TEST(Contamination, EachCheckCanBeTurnedOff) {
  EXPECT_FALSE(TestSet(kTest, {.exact = false, .ngram = 0}).overlap(kTest[0].question));
  EXPECT_TRUE(TestSet(kTest, {.exact = false, .ngram = 4}).overlap(kTest[0].question));
}

}  // namespace
}  // namespace limbeck::synthesis
