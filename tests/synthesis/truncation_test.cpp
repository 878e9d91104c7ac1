#include "synthesis/truncation.h"

#include <gtest/gtest.h>

namespace limbeck::synthesis {
namespace {

struct Row {
  const char* what;
  const char* sampled;
  const char* program;
};

// The rule of the official code: re.search(r"\nanswer.*?\n", text), cut after the match, else the whole text.
TEST(Truncation, CutsAfterTheFirstAnswerLineAsTheOfficialCodeDoes) {
  const Row rows[] = {
      {"a plain program", "\nn0 = 2.0\nanswer = n0\n\n# Next question\nanswer = 3", "n0 = 2.0\nanswer = n0"},
      {"answer on the first line of the text has no line break before it", "answer = 1\nn0 = 2\n",
       "answer = 1\nn0 = 2"},
      {"the prompt's line break counts", "\nanswer = 1\nn0 = 2\n", "answer = 1"},
      {"no line break behind: kept whole", "\nn0 = 2\nanswer = n0", "n0 = 2\nanswer = n0"},
      {"no answer: kept whole", "\nn0 = 2\nx = n0\n", "n0 = 2\nx = n0"},
      {"an indented answer does not count", "\nif 1:\n  answer = 1\nx = 2\n", "if 1:\n  answer = 1\nx = 2"},
      {"a longer name that begins with answer counts", "\nanswers = 1\nanswer = 2\n", "answers = 1"},
      {"the first match is found when an earlier line only mentions it", "\nx = 'answer'\nanswer = 2\ny = 1\n",
       "x = 'answer'\nanswer = 2"},
      {"empty", "", ""},
      {"only line ends", "\n\n\n", ""},
      {"an indented first line stays so", "\n  x = 1\nanswer = x\nz = 1\n", "  x = 1\nanswer = x"},
  };
  for (const auto& row : rows) EXPECT_EQ(program_of(row.sampled, {}), row.program) << row.what;
}

TEST(Truncation, CutsAtTheFirstBlankLineWhenAsked) {
  const Truncation truncation{.after_answer = false, .at_blank_line = true};
  EXPECT_EQ(program_of("\nx = 1\n \ny = 2\n", truncation), "x = 1");
  EXPECT_EQ(program_of("\n\nx = 1\ny = 2", truncation), "x = 1\ny = 2")
      << "blank lines before the program do not count";
}

TEST(Truncation, CutsBeforeTheNextQuestionWhenAsked) {
  const Truncation truncation{.after_answer = false, .at_next_question = true};
  EXPECT_EQ(program_of("\nx = 1\n# Another question\ny = 2", truncation), "x = 1");
  EXPECT_EQ(program_of("\n# a first comment\nx = 1\n#close\ny = 2", truncation),
            "# a first comment\nx = 1\n#close\ny = 2");
}

TEST(Truncation, TheEarliestOfSeveralRulesWins) {
  const Truncation truncation{.after_answer = true, .at_blank_line = true, .at_next_question = true};
  EXPECT_EQ(program_of("\nx = 1\n# q\n\nanswer = 2\n", truncation), "x = 1");
  EXPECT_EQ(program_of("\nanswer = 2\nx = 1\n# q\n\n", truncation), "answer = 2");
}

TEST(Truncation, TakesEndOfTextMarksOut) {
  EXPECT_EQ(program_of("\nanswer = 1<|endoftext|>\n", {}, {"<|endoftext|>"}), "answer = 1");
}

}  // namespace
}  // namespace limbeck::synthesis
