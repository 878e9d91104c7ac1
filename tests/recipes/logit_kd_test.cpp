#include "recipes/logit_kd.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_encoder.h"

namespace limbeck::recipes {
namespace {

class LogitKd : public TinyEncoder {
 protected:
  LogitKdOptions options() {
    LogitKdOptions own;
    fill(own);
    own.teacher = body();
    own.layers.drop = 2;
    return own;
  }
};

TEST_F(LogitKd, TeachesAShallowerStudentAndLeavesATableAndAModel) {
  const LogitKdOptions own = options();
  const limbeck::Run in = run();
  run_logit_kd(own, in);
  EXPECT_EQ(table_of(in)["arms"].size(), 3u);
  EXPECT_LT(arm_of(in, "kd")["parameters"], arm_of(in, "teacher")["parameters"]);
  EXPECT_GT(accuracy(in, "kd"), 0.8);
  EXPECT_TRUE(arm_of(in, "fine-tune").contains("kd less this"));
  EXPECT_NE(predictions(in, "kd-1"), predictions(in, "fine-tune-1"));
  EXPECT_EQ(models::load_encoder(in.path("model")).model->config().num_hidden_layers, 2);
}

TEST_F(LogitKd, TeachesPatientlyToo) {
  LogitKdOptions own = options();
  own.arms = {"fine-tune", "pkd"};
  own.seeds = 1;
  const limbeck::Run in = run();
  run_logit_kd(own, in);
  EXPECT_GT(accuracy(in, "pkd"), 0.8);
  EXPECT_NE(predictions(in, "pkd-1"), predictions(in, "fine-tune-1"));
  own.layers.drop = 3;
  EXPECT_NE(message_of<UserError>([&] { run_logit_kd(own, run("shallow")); }).find("at least two blocks"),
            std::string::npos);
}

TEST_F(LogitKd, GoesOnWhereItStoppedToTheSamePredictions) {
  const LogitKdOptions own = options();
  const limbeck::Run in = run();
  run_logit_kd(own, in);
  const std::string expected = predictions(in, "kd-2");
  std::filesystem::remove_all(in.path("arms/kd-2"));
  run_logit_kd(own, in);
  EXPECT_EQ(predictions(in, "kd-2"), expected);
}

TEST_F(LogitKd, AveragesTheStudentsWeightsByOptionsAlone) {
  LogitKdOptions own = options();
  own.arms = {"kd"};
  own.seeds = 1;
  const limbeck::Run plain = run("plain"), averaged = run("averaged");
  run_logit_kd(own, plain);
  own.train.averaging = {.kind = train::AveragingKind::kSwa, .start = 0.5, .every = 2};
  run_logit_kd(own, averaged);
  EXPECT_NE(predictions(plain, "kd-1"), predictions(averaged, "kd-1"));
}

}  // namespace
}  // namespace limbeck::recipes
