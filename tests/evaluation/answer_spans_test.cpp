#include "evaluation/answer_spans.h"

#include <gtest/gtest.h>

namespace limbeck::evaluation {
namespace {

using Answers = std::vector<std::string>;

TEST(AnswerSpans, AreComparedWithoutCasePunctuationAndArticles) {
  EXPECT_EQ(normal_answer(" The  Quick, (brown) FOX! "), "quick brown fox");
  EXPECT_EQ(exact_match("the Eiffel tower.", Answers{"Eiffel Tower"}), 1);
  EXPECT_EQ(exact_match("tower", Answers{"Eiffel Tower", "Tower"}), 1) << "the best of several";
  EXPECT_EQ(exact_match("towers", Answers{"Tower"}), 0);
}

// Two of three predicted words are among four right ones: 2 * 2 / (3 + 4).
TEST(AnswerSpans, ShareWordsByHand) {
  EXPECT_NEAR(word_f1("one two six", Answers{"one two three four"}), 4.0 / 7, 1e-12);
  EXPECT_NEAR(word_f1("one one", Answers{"one"}), 2.0 / 3, 1e-12);
  EXPECT_EQ(word_f1("five", Answers{"one"}), 0);
}

TEST(AnswerSpans, AreRightAsNothingWhereThereIsNoAnswer) {
  EXPECT_EQ(word_f1("", Answers{}), 1);
  EXPECT_EQ(word_f1("x", Answers{}), 0);
  EXPECT_EQ(exact_match("", Answers{}), 1);
  EXPECT_EQ(exact_match("", Answers{"x"}), 0);
}

}  // namespace
}  // namespace limbeck::evaluation
