#include "recipes/ekt_measure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

class Measure : public TinyEkt {
 protected:
  std::vector<TrainingPair> box_pairs() {
    return {{"Box 1?", "answer = 1"}, {"Box 2?", "answer = 2"}, {"Box 3?", "answer = 0"}, {"Box 4?", "answer = 1"}};
  }
};

TEST_F(Measure, TheTeachersVerifiedProgramsBecomeTheReferences) {
  const auto run = open_run("run");
  EktContext context(options_, run);
  const ArmResult teacher = measure_teacher(context, run.child("teacher"));
  EXPECT_EQ(teacher.title, "Teacher, few-shot");
  ASSERT_FALSE(context.references.empty());
  for (const auto& [problem, program] : context.references) EXPECT_THAT(program, HasSubstr("answer = "));
  ASSERT_TRUE(teacher.nll.has_value());
  EXPECT_GT(teacher.nll->value, 0);
}

TEST_F(Measure, AFileOfReferencesStandsInForTheTeachersAndIsJudgedFirst) {
  const auto line = [](const std::string& id, const std::string& program) {
    return to_line({{"id", id}, {"program", program}}) + "\n";
  };
  write_file_atomically(folder_ / "references.jsonl",
                        line("p14", "answer = 2") + line("p15", "answer = 9") + line("other", "answer = 1"));
  options_.references = (folder_ / "references.jsonl").string();
  const auto run = open_run("run");
  EktContext context(options_, run);
  ASSERT_EQ(context.references.size(), 1u) << "p15 is wrong and 'other' is no test question";
  EXPECT_EQ(context.references[0].first.id, "p14");
  measure_teacher(context, run.child("teacher"));
  EXPECT_EQ(context.references.size(), 1u);
  write_file_atomically(folder_ / "references.jsonl", line("p15", "answer = 9"));
  const auto again = open_run("again");
  EXPECT_THAT(message_of<UserError>([&] { EktContext(options_, again); }), HasSubstr("received none"));
}

TEST_F(Measure, AFinishedArmLoadsNoModel) {
  const auto run = open_run("run");
  EktContext context(options_, run);
  measure_teacher(context, run.child("teacher"));
  const Course course = usual_course(context, box_pairs());
  const ArmResult first = train_and_measure(context, run.child("arm"), "student", course, run.path("arm/model"));
  EXPECT_EQ(first.pairs.size(), 4u);
  write_file_atomically(run.path("arm/model/model.safetensors"), "not a model");
  const ArmResult again = train_and_measure(context, run.child("arm"), "student", course, run.path("arm/model"));
  EXPECT_EQ(again.nll->value, first.nll->value);
  EXPECT_EQ(again.solved.samples.size(), first.solved.samples.size());
}

}  // namespace
}  // namespace limbeck::recipes
