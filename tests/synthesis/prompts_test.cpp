#include "synthesis/prompts.h"

#include <gtest/gtest.h>

namespace limbeck::synthesis {
namespace {

TEST(Prompts, AQuestionIsOneCommentLine) {
  EXPECT_EQ(zero_shot_prompt("How many\n apples?  "), "# How many apples?");
}

TEST(Prompts, ExamplesArePartedByBlankLinesAndTheQuestionStandsLastWithoutALineEnd) {
  const std::vector<WorkedExample> examples = {{"Two and three?", "n0 = 2.0\nanswer = n0 + 3.0\n"},
                                               {"Four?", "answer = 4.0"}};
  EXPECT_EQ(few_shot_prompt(examples, "Five?"),
            "# Two and three?\nn0 = 2.0\nanswer = n0 + 3.0\n\n"
            "# Four?\nanswer = 4.0\n\n"
            "# Five?");
}

TEST(Prompts, PromptAndCompletionJoinToTheTrainingText) {
  EXPECT_EQ(zero_shot_prompt("Five?") + completion_of("\nanswer = 5.0\n\n"), "# Five?\nanswer = 5.0");
}

TEST(Prompts, AnIndentedFirstLineKeepsItsIndentation) {
  EXPECT_EQ(completion_of("  answer = 1"), "\n  answer = 1");
}

}  // namespace
}  // namespace limbeck::synthesis
