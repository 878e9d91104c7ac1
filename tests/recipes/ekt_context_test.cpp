#include "recipes/ekt_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/message_of.h"
#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

class Context : public TinyEkt {
 protected:
  void add_line(const std::string& name, const Json& row) {
    write_file_atomically(folder_ / name, read_file(folder_ / name) + to_line(row) + "\n");
  }
};

TEST_F(Context, SplitsTheTrainingQuestionsWithoutLosingOrSharingOne) {
  const auto run = open_run("run");
  const EktContext context(options_, run);
  EXPECT_EQ(context.dev.size(), 3u) << "a fifth of 14";
  std::set<std::string> ids;
  for (const auto& problem : context.train) ids.insert(problem.id);
  for (const auto& problem : context.dev) ids.insert(problem.id);
  EXPECT_EQ(ids.size(), 14u);
  const EktContext again(options_, run);
  EXPECT_EQ(again.dev[0].id, context.dev[0].id);
}

TEST_F(Context, LeavesOutQuestionsThatAreInTheTestSetAndSaysWhich) {
  add_line("train.jsonl", {{"id", "copy"}, {"question", "box 15 ?"}, {"answer", 0}});
  const auto run = open_run("run");
  const EktContext context(options_, run);
  ASSERT_EQ(context.dropped.size(), 1u);
  EXPECT_EQ(context.dropped[0].id, "copy");
  EXPECT_EQ(context.dropped[0].reason, "same question as test problem 'p15'");
}

TEST_F(Context, AWorkedExampleFromTheTestSetIsAMistake) {
  add_line("examples.jsonl", {{"question", "Box 14?"}, {"program", "answer = 2"}});
  const auto run = open_run("run");
  EXPECT_THAT(message_of<UserError>([&] { EktContext(options_, run); }),
              HasSubstr("worked example 2: same question as test problem 'p14'"));
}

TEST_F(Context, TheStudentIsASliceOfTheTeacherOrAModelOfItsOwn) {
  const auto run = open_run("run");
  {
    const EktContext context(options_, run);
    EXPECT_EQ(context.student().model->config().num_hidden_layers, 2);
  }
  options_.student_layers = 4;
  const EktContext context(options_, run);
  EXPECT_THAT(message_of<UserError>([&] { context.student(); }), HasSubstr("expected at most 3"));
}

TEST_F(Context, TheTeachersSamplesAreDrawnWithTheWorkedExamplesInFront) {
  const auto run = open_run("run");
  EktContext context(options_, run);
  EXPECT_EQ(context.few_shot({"p", "Box 2?", 2}), "# Bag 1?\nanswer = 1\n\n# Box 2?");
  context.draw_teacher_samples();
  ASSERT_EQ(context.samples.size(), context.train.size() * 4);
  int programs = 0;
  for (const auto& sample : context.samples) programs += sample.program.starts_with("answer = ");
  EXPECT_GT(programs, static_cast<int>(context.samples.size()) / 2) << "the tiny teacher was taught to write programs";
}

}  // namespace
}  // namespace limbeck::recipes
