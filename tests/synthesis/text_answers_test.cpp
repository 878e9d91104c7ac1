#include "synthesis/text_answers.h"

#include <gtest/gtest.h>

namespace limbeck::synthesis {
namespace {

using enum AnswerKind;
using Texts = std::vector<std::string>;

TEST(AnswerCandidates, AreSignedDecimalNumbersWithoutTheirCommas) {
  EXPECT_EQ(answer_candidates("She has 1,200 and -3.50, so 72.", kNumber), (Texts{"1200", "-3.50", "72"}));
  EXPECT_EQ(answer_candidates("none at all", kNumber), Texts{});
}

TEST(AnswerCandidates, OfOtherKinds) {
  EXPECT_EQ(answer_candidates("A dog is (B), not C. It's F2", kLetter), (Texts{"B", "C"}));
  EXPECT_EQ(answer_candidates("Yes! Nobody knows: no.", kYesNo), (Texts{"yes", "no"}));
  EXPECT_EQ(answer_candidates(" \"y a.j'o\"\n", kText), (Texts{"yajo"}));
  EXPECT_EQ(answer_candidates(" .\n", kText), Texts{});
}

TEST(AnswerIn, IsTheFirstAfterThePrefixOrTheLastOfATextWithoutIt) {
  EXPECT_EQ(answer_in("3 and 4 are 7 --> 7 of 9", kNumber, "-->"), "7");
  EXPECT_EQ(answer_in("3 and 4 are 8", kNumber, "-->"), "8") << "the last number when the separator is absent";
  EXPECT_EQ(answer_in("3 and 4 are 8", kNumber), "3") << "no prefix is asked for";
  EXPECT_EQ(answer_in("3 -->", kNumber, "-->"), std::nullopt);
}

TEST(SaysTheSame, ComparesAsTheKindDoes) {
  EXPECT_TRUE(says_the_same("72.0", "72", kNumber));
  EXPECT_FALSE(says_the_same("72.1", "72", kNumber));
  EXPECT_FALSE(says_the_same("72.0", "72", kNumberText));
  EXPECT_TRUE(says_the_same("1200", "1,200", kNumberText));
  EXPECT_TRUE(says_the_same("B", "(B)", kLetter));
  EXPECT_TRUE(says_the_same("yes", "Yes", kYesNo));
  EXPECT_FALSE(says_the_same("yaj", "yajo", kText));
  EXPECT_FALSE(says_the_same("7", "", kNumber)) << "no gold answer";
}

TEST(TextJudge, PassesTheRightAnswerAndSaysWhichItRead) {
  const auto judge = text_judge(kNumber, "-->");
  const std::vector<sandbox::Program> texts = {
      {.source = "2 + 2 --> 4", .expected_text = "4"}, {.source = "--> 5", .expected_text = "4"}, {.source = "none"}};
  const auto verdicts = judge->judge(texts);
  EXPECT_EQ(verdicts[0].outcome, sandbox::Outcome::kPassed);
  EXPECT_EQ(verdicts[1].outcome, sandbox::Outcome::kWrongAnswer);
  EXPECT_EQ(verdicts[1].detail, "5");
  EXPECT_EQ(verdicts[1].answer, 5);
  EXPECT_EQ(verdicts[2].outcome, sandbox::Outcome::kWrongAnswer);
  EXPECT_EQ(verdicts[2].detail, "");
}

TEST(NoJudge, LetsEveryTextPass) {
  const std::vector<sandbox::Program> texts(3);
  for (const auto& verdict : no_judge()->judge(texts)) EXPECT_EQ(verdict.outcome, sandbox::Outcome::kPassed);
}

}  // namespace
}  // namespace limbeck::synthesis
