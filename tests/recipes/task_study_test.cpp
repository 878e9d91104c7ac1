#include "recipes/task_study.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_study.h"

namespace limbeck::recipes {
namespace {

class TaskStudyTest : public testing::Test {
 protected:
  TaskStudyTest() { tiny_.fill(options_); }
  TinyStudy tiny_;
  StudyOptions options_;
};

TEST_F(TaskStudyTest, TrainsAHeadOnABodyAndMeasuresIt) {
  const Run run = tiny_.run("run");
  Study study(options_, tiny_.encoder(), run);
  const auto source = study.open(tiny_.encoder(), study.seed_of(0));
  EXPECT_TRUE(source.fresh_head);
  const Run folder = study.folder(0, "fine_tune");
  EXPECT_FALSE(Study::is_measured(folder, "fine_tune"));
  study.fit(*source.model, folder, study.seed_of(0), options_.train);
  study.measure(*source.model, folder, "fine_tune");
  EXPECT_TRUE(Study::is_measured(folder, "fine_tune"));
  study.add(folder, "fine_tune", "fine-tuned");
  ASSERT_EQ(study.arms().size(), 1u);
  EXPECT_EQ(study.arms()[0].runs[0].size(), 24u);
  EXPECT_EQ(study.arms()[0].parameters, num_parameters(*source.model));
  study.write("A study", "fine_tune");
  const Json arm = arm_of(table_of(run), "fine_tune");
  EXPECT_GT(arm["figures"]["accuracy"]["value"].get<double>(), 0.8);
  EXPECT_FALSE(arm.contains("less_reference"));
  EXPECT_NE(read_file(run.path("table.md")).find("| fine-tuned |"), std::string::npos);
}

TEST_F(TaskStudyTest, SetsArmsBesideTheReferenceRowByRowAndRunByRun) {
  const Run run = tiny_.run("run");
  Study study(options_, tiny_.encoder(), run);
  for (int64_t i = 0; i < 2; ++i) {
    const auto model = study.open(tiny_.encoder(), study.seed_of(i)).model;
    const Run untrained = study.folder(i, "untrained"), trained = study.folder(i, "trained");
    study.measure(*model, untrained, "untrained");
    study.fit(*model, trained, study.seed_of(i), options_.train);
    study.measure(*model, trained, "trained");
    study.add(untrained, "untrained", "not trained");
    study.add(trained, "trained", "trained");
  }
  study.write("A study", "untrained");
  const Json table = table_of(run), compared = arm_of(table, "trained")["less_reference"];
  const double a = arm_of(table, "trained")["figures"]["accuracy"]["value"],
               b = arm_of(table, "untrained")["figures"]["accuracy"]["value"];
  EXPECT_NEAR(compared["value"].get<double>(), a - b, 1e-12);
  EXPECT_GT(a, b);
  EXPECT_LT(compared["p_rows"].get<double>(), 0.05);
  EXPECT_GT(compared["p_runs"].get<double>(), 0.2);  // two runs can say no more
  EXPECT_EQ(arm_of(table, "trained")["figures"]["accuracy"]["runs"].size(), 2u);
}

TEST_F(TaskStudyTest, TakesATeacherWithATrainedHeadAsItIs) {
  const Run first = tiny_.run("first");
  {
    Study study(options_, tiny_.encoder(), first);
    const auto teacher = study.teacher(tiny_.encoder(), options_.train);
    models::save_encoder(tiny_.path("teacher"), *teacher, study.tokenizer());
  }
  const Run second = tiny_.run("second");
  const Study study(options_, tiny_.path("teacher").string(), second);
  study.teacher(tiny_.path("teacher").string(), options_.train);
  EXPECT_FALSE(std::filesystem::exists(second.path("teacher/log.jsonl")));
}

TEST(ArmNames, AreAnsweredWithTheNearestOne) {
  EXPECT_EQ(mistake_in_arm_names({"kd"}, {"fine_tune", "kd"}), std::nullopt);
  EXPECT_NE(mistake_in_arm_names({"fine-tune"}, {"fine_tune", "kd"})->find("did you mean 'fine_tune'?"),
            std::string::npos);
  EXPECT_NE(mistake_in_arm_names({}, {"kd"})->find("received none"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::recipes
