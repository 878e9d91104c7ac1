#include "recipes/swa.h"

#include <gtest/gtest.h>

#include <set>

#include "base/message_of.h"
#include "recipes/tiny_study.h"

namespace limbeck::recipes {
namespace {

class Swa : public testing::Test {
 protected:
  Swa() {
    tiny_.fill(options_);
    options_.model = tiny_.encoder();
    options_.runs = 1;
    options_.every = 3;
    options_.late_start = 0.7;
  }
  std::string predictions(const Run& run, const std::string& trajectory, const std::string& arm) const {
    return read_file(run.path("run-1/" + trajectory + "/" + arm + ".jsonl"));
  }
  TinyStudy tiny_;
  SwaOptions options_;
};

TEST_F(Swa, MeasuresSeveralMeansOfOneTrajectoryInOneTraining) {
  options_.arms = {"constant", "swa", "swa_late", "swa_every_step", "swa_epoch", "ema"};
  const Run run = tiny_.run("run");
  run_swa(options_, run);
  EXPECT_EQ(table_of(run)["arms"].size(), 6u);
  std::set<std::string> different;
  for (const auto& arm : options_.arms) different.insert(predictions(run, "constant", arm));
  EXPECT_EQ(different.size(), 6u);
  int64_t steps = 0;
  read_jsonl(run.path("run-1/constant/log.jsonl"), [&](const Json& row, int64_t) { steps += row["kind"] == "step"; });
  EXPECT_EQ(steps, 36);  // one training for all of them
  models::load_encoder(run.path("model"));
}

TEST_F(Swa, IsWhatAnyRecipeGetsFromItsOptionsAlone) {
  options_.arms = {"constant", "swa"};
  const Run run = tiny_.run("run");
  run_swa(options_, run);
  options_.arms = {"constant"};
  options_.train.averaging = {.kind = train::AveragingKind::kSwa, .start = 0.5, .every = 3};
  const Run by_options = tiny_.run("by-options");
  run_swa(options_, by_options);
  EXPECT_EQ(predictions(by_options, "constant", "constant"), predictions(run, "constant", "swa"));
}

TEST_F(Swa, HasItsComparisonsAsArms) {
  options_.teacher = tiny_.encoder();
  options_.arms = {"linear", "last3", "swa_low", "swa_cyclical", "kd", "kd_swa"};
  const Run run = tiny_.run("run");
  run_swa(options_, run);
  const Json table = table_of(run);
  EXPECT_EQ(table["arms"].size(), 6u);
  EXPECT_EQ(table["reference"], "linear");
  for (const auto& arm : options_.arms)
    EXPECT_GT(arm_of(table, arm)["figures"]["accuracy"]["value"].get<double>(), 0.6) << arm;
}

TEST_F(Swa, ProbesHowFlatEachArmLies) {
  options_.arms = {"constant", "swa"};
  options_.probe_rows = 8;
  const Run run = tiny_.run("run");
  run_swa(options_, run);
  EXPECT_EQ(table_of(run)["facts"]["flatness"]["swa"].size(), 1u);
  const Json line = read_json(run.path("run-1/constant/line.json"));
  EXPECT_EQ(line["t"].size(), line["test"].size());
  EXPECT_NE(read_file(run.path("table.md")).find("largest curvature"), std::string::npos);
}

TEST(SwaOptions, AskForATeacherWhereAnArmNeedsOne) {
  SwaOptions options;
  options.arms = {"kd_swa"};
  const Fields fields = fields_of(options);
  EXPECT_NE(fields.checks().back()()->find("teacher"), std::string::npos);
  options.arms = {"swa"};
  EXPECT_EQ(fields.checks().back()(), std::nullopt);
}

}  // namespace
}  // namespace limbeck::recipes
