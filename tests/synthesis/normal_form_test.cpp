#include "synthesis/normal_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::synthesis {
namespace {

using ::testing::ElementsAre;

TEST(NormalForm, WordsIgnoreCaseAndPunctuationButKeepNumbers) {
  EXPECT_THAT(normal_words("Ann's 3.5 kg, (or 1,200 g)."), ElementsAre("ann", "s", "3.5", "kg", "or", "1200", "g"));
  EXPECT_EQ(normal_question("How MANY  apples ?"), normal_question("how many apples?"));
  EXPECT_NE(normal_question("It costs 3.5"), normal_question("It costs 35"));
}

TEST(NormalQuestion, KeepsWhatCalculates) {
  EXPECT_NE(normal_question("3 - 4 = ?"), normal_question("3 + 4 = ?"));
  EXPECT_NE(normal_question("What is -5 + 2?"), normal_question("What is 5 + 2?"));
  EXPECT_THAT(normal_words("a ten-year-old, 5% of 3*4"),
              ElementsAre("a", "ten", "year", "old", "5", "%", "of", "3", "*", "4"));
  EXPECT_EQ(normal_question("6 \xc3\x97 2"), normal_question("6 * 2"));
  EXPECT_EQ(normal_question("6 \xe2\x88\x92 2"), normal_question("6 - 2"));
}

TEST(NormalQuestion, TakesTypographicMarksForTheirPlainKin) {
  EXPECT_EQ(normal_question("John\xe2\x80\x99s apples\xe2\x80\x94he has\xc2\xa0"
                            "9\xe2\x80\xa6"),
            normal_question("John's apples, he has 9"));
  EXPECT_EQ(normal_words("caf\xc3\xa9").size(), 1u);
}

TEST(NormalForm, ProgramsThatDifferInSpacesCommentsAndBlankLinesAreEqual) {
  EXPECT_EQ(normal_program("n0 = 2.0  # apples\n\nanswer = n0 * 3\n"), normal_program("n0=2.0\nanswer=n0*3"));
}

TEST(NormalForm, ProgramsThatDifferInMeaningStayApart) {
  EXPECT_NE(normal_program("answer = 1 if not x else 2"), normal_program("answer = 1 if notx else 2"));
  EXPECT_NE(normal_program("if x:\n  y = 1\n  z = 2"), normal_program("if x:\n  y = 1\nz = 2"));
  EXPECT_NE(normal_program("answer = 'a b'"), normal_program("answer = 'ab'"));
  EXPECT_NE(normal_program("answer = '#1'"), normal_program("answer = '#2'")) << "a # inside a string is no comment";
}

}  // namespace
}  // namespace limbeck::synthesis
