#include "recipes/swa.h"

#include <gtest/gtest.h>

#include <set>

#include "recipes/tiny_encoder.h"

namespace limbeck::recipes {
namespace {

class Swa : public TinyEncoder {
 protected:
  SwaOptions options(std::vector<std::string> arms) {
    SwaOptions own;
    fill(own);
    own.model = body();
    own.arms = std::move(arms);
    own.seeds = 1;
    own.every = 3;
    own.late_start = 0.7;
    own.ema_decay = 0.7;
    return own;
  }
};

TEST_F(Swa, MeasuresSeveralMeansOfOneTrajectoryInOneTraining) {
  const limbeck::Run in = run();
  run_swa(options({"constant", "swa", "swa_late", "swa_every_step", "swa_epoch", "ema"}), in);
  EXPECT_EQ(table_of(in)["arms"].size(), 6u);
  std::set<std::string> different{predictions(in, "constant-1")};
  for (const char* mean : {"swa", "swa_late", "swa_every_step", "swa_epoch", "ema"})
    different.insert(predictions(in, std::string("constant-1/means/") + mean));
  EXPECT_EQ(different.size(), 6u);
  int64_t steps = 0;
  read_jsonl(in.path("arms/constant-1/log.jsonl"), [&](const Json& row, int64_t) { steps += row["kind"] == "step"; });
  EXPECT_EQ(steps, 39);  // one training for all of them
  EXPECT_TRUE(arm_of(in, "constant").contains("swa less this"));
  models::load_encoder(in.path("model"));
}

TEST_F(Swa, IsWhatAnyRecipeGetsFromItsOptionsAlone) {
  SwaOptions own = options({"constant", "swa"});
  const limbeck::Run in = run("run"), by_options = run("by-options");
  run_swa(own, in);
  own.arms = {"constant"};
  own.train.averaging = {.kind = train::AveragingKind::kSwa, .start = 0.5, .every = 3};
  run_swa(own, by_options);
  EXPECT_EQ(predictions(by_options, "constant-1"), predictions(in, "constant-1/means/swa"));
}

TEST_F(Swa, HasItsComparisonsAsArms) {
  SwaOptions own = options({"linear", "last3", "swa_low", "swa_cyclical", "kd", "kd_swa"});
  own.teacher = own.model;
  const limbeck::Run in = run();
  run_swa(own, in);
  EXPECT_EQ(table_of(in)["arms"].size(), 6u);
  for (const auto& arm : own.arms) EXPECT_GT(accuracy(in, arm), 0.7) << arm;
}

TEST_F(Swa, ProbesHowFlatEachArmLies) {
  SwaOptions own = options({"constant", "swa"});
  own.probe_rows = 8;
  const limbeck::Run in = run();
  run_swa(own, in);
  EXPECT_EQ(read_json(in.path("flatness.json")).size(), 2u);
  const Json line = read_json(in.path("arms/constant-1/means/swa/line.json"));
  EXPECT_EQ(line["t"].size(), line["test"].size());
  EXPECT_NE(read_file(in.path("flatness.md")).find("largest curvature"), std::string::npos);
}

TEST(SwaOptions, AskForATeacherWhereAnArmNeedsOne) {
  SwaOptions options;
  const Fields fields = fields_of(options);
  for (const char* arm : {"kd", "kd_swa", "annealing_kd", "rco", "mate_kd"}) {
    options.arms = {arm};
    const auto mistake = fields.checks().back()();
    ASSERT_TRUE(mistake) << arm;
    EXPECT_NE(mistake->find("teacher"), std::string::npos);
  }
  options.teacher = "teacher";
  EXPECT_NE(fields.checks().back()()->find("mate.generator"), std::string::npos);
  options.mate.generator = "generator";
  EXPECT_EQ(fields.checks().back()(), std::nullopt);
  options.arms = {"swa"};
  EXPECT_EQ(fields.checks().back()(), std::nullopt);
}

}  // namespace
}  // namespace limbeck::recipes
