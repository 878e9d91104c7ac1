#include "recipes/logit_kd.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_study.h"

namespace limbeck::recipes {
namespace {

class LogitKd : public testing::Test {
 protected:
  LogitKd() {
    tiny_.fill(options_);
    options_.teacher = tiny_.encoder();
    options_.layers.drop = 2;
  }
  TinyStudy tiny_;
  LogitKdOptions options_;
};

TEST_F(LogitKd, TeachesAShallowerStudent) {
  const Run run = tiny_.run("run");
  run_logit_kd(options_, run);
  const Json table = table_of(run);
  ASSERT_EQ(table["arms"].size(), 3u);
  EXPECT_LT(arm_of(table, "kd")["parameters"], arm_of(table, "teacher")["parameters"]);
  EXPECT_GT(arm_of(table, "kd")["figures"]["accuracy"]["value"].get<double>(), 0.75);
  EXPECT_TRUE(arm_of(table, "kd").contains("less_reference"));
  EXPECT_EQ(models::load_encoder(run.path("model")).model->config().num_hidden_layers, 2);
}

TEST_F(LogitKd, GoesOnWhereItStoppedToTheSamePredictions) {
  const Run run = tiny_.run("run");
  run_logit_kd(options_, run);
  const std::string predictions = read_file(run.path("run-2/kd/kd.jsonl"));
  const auto untouched = std::filesystem::last_write_time(run.path("run-1/kd/kd.jsonl"));
  std::filesystem::remove(run.path("run-2/kd/kd.json"));
  std::filesystem::remove(run.path("run-2/kd/kd.jsonl"));
  run_logit_kd(options_, run);
  EXPECT_EQ(read_file(run.path("run-2/kd/kd.jsonl")), predictions);
  EXPECT_EQ(std::filesystem::last_write_time(run.path("run-1/kd/kd.jsonl")), untouched);
  EXPECT_FALSE(std::filesystem::exists(run.path("run-1/kd/checkpoint-36")));
}

TEST_F(LogitKd, AveragesTheStudentsWeightsByOptionsAlone) {
  options_.arms = {"kd"};
  options_.runs = 1;
  const Run plain = tiny_.run("plain"), averaged = tiny_.run("averaged");
  run_logit_kd(options_, plain);
  options_.train.averaging = {.kind = train::AveragingKind::kSwa, .start = 0.5, .every = 2};
  run_logit_kd(options_, averaged);
  EXPECT_NE(read_file(plain.path("run-1/kd/kd.jsonl")), read_file(averaged.path("run-1/kd/kd.jsonl")));
}

TEST(LogitKdOptions, NameArmsThatAreNone) {
  LogitKdOptions options;
  options.arms = {"teecher"};
  const Fields fields = fields_of(options);
  EXPECT_NE(fields.checks().back()()->find("did you mean 'teacher'?"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::recipes
