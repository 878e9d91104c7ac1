#include "recipes/ekt_arms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> names_of(const std::vector<const Arm*>& arms) {
  std::vector<std::string> names;
  for (const Arm* arm : arms) names.push_back(arm->name);
  return names;
}

TEST(EktArms, AreFoundByName) {
  EXPECT_EQ(find_arm("ekt")->title, "Student, EKT");
  EXPECT_EQ(find_arm("none"), nullptr);
  EXPECT_EQ(arm_names_text(),
            "few_shot, unfiltered, ekt, expert_iteration, distillation, random_programs, stronger, weaker");
}

TEST(EktArms, AllAreThoseThatTheOptionsLackNothingFor) {
  EktOptions options;
  options.arms = {"all"};
  options.teacher = tiny_teacher_folder().string();
  const std::vector<std::string> without = {"few_shot",         "unfiltered",   "ekt",
                                            "expert_iteration", "distillation", "random_programs"};
  EXPECT_EQ(names_of(chosen_arms(options)), without);
  options.stronger_teacher = options.weaker_teacher = "other.gguf";
  EXPECT_EQ(chosen_arms(options).size(), ekt_arms().size());
  options.teacher = "recorded.jsonl";
  options.weaker_teacher = "";
  EXPECT_EQ(
      names_of(chosen_arms(options)),
      (std::vector<std::string>{"few_shot", "unfiltered", "ekt", "expert_iteration", "random_programs", "stronger"}));
}

TEST(EktArms, AnArmThatIsNamedButLacksSomethingIsAMistake) {
  EktOptions options;
  options.arms = {"ekt", "stronger"};
  EXPECT_THAT(mistake_in_arms(options).value_or(""), HasSubstr("stronger_teacher: expected"));
  options.stronger_teacher = "other.gguf";
  EXPECT_EQ(mistake_in_arms(options), std::nullopt);
  options.arms = {"distillation"};
  options.teacher = "recorded.jsonl";
  EXPECT_THAT(mistake_in_arms(options).value_or(""), HasSubstr("received recorded.jsonl (arm distillation needs it)"));
}

class OtherTeacherArm : public TinyEkt {};

TEST_F(OtherTeacherArm, TrainsOnThatTeachersVerifiedProgramsOfTheSameQuestions) {
  std::string lines;
  for (int box = 0; box < 14; ++box)
    for (int i = 0; i < 4; ++i)
      lines += to_line({{"id", "p" + std::to_string(box)}, {"text", "\nx = " + std::to_string(i) + "\nanswer = x\n"}}) +
               "\n";
  write_file_atomically(folder_ / "recorded.jsonl", lines);
  options_.stronger_teacher = (folder_ / "recorded.jsonl").string();
  const auto run = open_run("run");
  EktContext context(options_, run);
  const limbeck::Run arm = run.child("arms").child("stronger");
  const ArmResult result = find_arm("stronger")->run(context, arm);
  ASSERT_EQ(result.pairs.size(), context.train.size()) << "0, 1 and 2 are among the four, so each question is solved";
  EXPECT_THAT(result.pairs[0].program, HasSubstr("answer = x"));
  EXPECT_THAT(result.note, HasSubstr("recorded.jsonl: 11 of 44 samples right"));
  EXPECT_TRUE(std::filesystem::exists(arm.path("model")));
}

}  // namespace
}  // namespace limbeck::recipes
