#include "synthesis/problems.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "synthesis/files.h"

namespace limbeck::synthesis {
namespace {

using limbeck::testing::message_of;
using limbeck::testing::TestFolder;
using ::testing::HasSubstr;

std::string mistakes_in(const std::string& bytes) {
  const TestFolder folder;
  const auto path = folder.write("problems.jsonl", bytes);
  return message_of<UserError>([&] { read_problems(path); });
}

TEST(Problems, AreReadInFileOrder) {
  const TestFolder folder;
  const auto path = folder.write("p.jsonl",
                                 "{\"id\":\"b\",\"question\":\"How many?\",\"answer\":12}\n\n"
                                 "{\"id\":7,\"question\":\"And now?\",\"answer\":-2.5,\"extra\":1}\n");
  const auto problems = read_problems(path);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_EQ(problems[0].id, "b");
  EXPECT_EQ(problems[0].answer, 12);
  EXPECT_EQ(problems[1].id, "7");
  EXPECT_EQ(problems[1].answer, -2.5);
}

TEST(Problems, ThoseOfAGroupShareANumber) {
  const TestFolder folder;
  const auto path = folder.write("p.jsonl",
                                 "{\"id\":\"a\",\"group\":\"g\",\"question\":\"q\",\"answer\":1}\n"
                                 "{\"id\":\"b\",\"question\":\"r\",\"answer\":1}\n"
                                 "{\"id\":\"c\",\"group\":\"g\",\"question\":\"s\",\"answer\":1}\n");
  EXPECT_EQ(group_numbers(read_problems(path)), (std::vector<int64_t>{0, 1, 0}));
}

TEST(Problems, AProblemWithoutAnAnswerIsNamedWithItsLine) {
  const std::string message =
      mistakes_in("{\"id\":\"a\",\"question\":\"q\",\"answer\":1}\n{\"id\":\"b\",\"question\":\"q\"}\n");
  EXPECT_THAT(message, HasSubstr("problems.jsonl:2]"));
  EXPECT_THAT(message, HasSubstr("problem 'b' has no answer"));
}

TEST(Problems, AnAnswerThatIsNoNumberIsShown) {
  EXPECT_THAT(mistakes_in("{\"id\":\"a\",\"question\":\"q\",\"answer\":\"twelve\"}\n"),
              HasSubstr("expected a number but received \"twelve\""));
}

TEST(Problems, AnIdSeenBeforeIsNamedWithBothLines) {
  const std::string message =
      mistakes_in("{\"id\":\"a\",\"question\":\"q\",\"answer\":1}\n{\"id\":\"a\",\"question\":\"r\",\"answer\":2}\n");
  EXPECT_THAT(message, HasSubstr(":2] id 'a' was already used on line 1"));
}

TEST(Problems, AllMistakesOfAFileAreReportedAtOnce) {
  const std::string message =
      mistakes_in("{\"id\":\"a\",\"question\":\"\",\"answer\":1}\n{\"question\":\"q\",\"answer\":null}\n");
  EXPECT_THAT(message, HasSubstr(":1] field 'question'"));
  EXPECT_THAT(message, HasSubstr(":2] field 'id'"));
  EXPECT_THAT(message, HasSubstr("has no answer"));
}

TEST(Problems, ABadLineInTheMiddleIsNamed) {
  EXPECT_THAT(
      mistakes_in(
          "{\"id\":\"a\",\"question\":\"q\",\"answer\":1}\n{\"id\":\n{\"id\":\"c\",\"question\":\"q\",\"answer\":1}\n"),
      HasSubstr("problems.jsonl:2"));
}

TEST(Problems, AnEmptyFileIsAMistake) {
  EXPECT_THAT(mistakes_in("\n"), HasSubstr("at least one problem"));
}

TEST(WorkedExamples, NeedQuestionAndProgram) {
  const TestFolder folder;
  EXPECT_THAT(message_of<UserError>([&] { read_examples(folder.write("e.jsonl", "{\"question\":\"q\"}\n")); }),
              HasSubstr("e.jsonl:1] field 'program'"));
  const auto examples = read_examples(folder.write("f.jsonl", "{\"question\":\"q\",\"program\":\"answer = 1\"}\n"));
  ASSERT_EQ(examples.size(), 1u);
  EXPECT_EQ(examples[0].program, "answer = 1");
}

TEST(Problems, AnswersCanBeTextsWhereThatIsAskedFor) {
  const TestFolder folder;
  const auto path = folder.write("p.jsonl",
                                 "{\"id\":\"a\",\"question\":\"Is it?\",\"answer\":\"yes\"}\n"
                                 "{\"id\":\"b\",\"question\":\"How many?\",\"answer\":12.0}\n"
                                 "{\"id\":\"c\",\"question\":\"How much?\",\"answer\":2.5}\n");
  const auto problems = read_problems(path, Answers::kAny);
  EXPECT_EQ(problems[0].answer_text, "yes");
  EXPECT_TRUE(std::isnan(problems[0].answer));
  EXPECT_EQ(problems[1].answer_text, "12");
  EXPECT_EQ(problems[2].answer_text, "2.5");
  EXPECT_EQ(problems[2].answer, 2.5);
  EXPECT_THROW(read_problems(path), UserErrors);
}

}  // namespace
}  // namespace limbeck::synthesis
