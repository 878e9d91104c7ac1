#include "recipes/swa_lessons.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "base/sha256.h"
#include "recipes/killed_child.h"
#include "recipes/tiny_encoder.h"

namespace limbeck::recipes {
namespace {

class SwaLessons : public TinyEncoder {
 protected:
  SwaOptions options(std::vector<std::string> arms) {
    SwaOptions own;
    fill(own);
    own.model = own.teacher = body();
    own.arms = std::move(arms);
    own.seeds = 1;
    return own;
  }
  SwaOptions with_generator(SwaOptions own) {
    models::save_encoder(folder_ / "generator", *encoder({.kind = models::HeadKind::kMaskedLm}),
                         *word_piece_tokenizer());
    own.mate.generator = (folder_ / "generator").string();
    own.mate.generator_steps = 2, own.mate.student_steps = 5, own.mate.learning_rate = 1e-3;
    return own;
  }
  std::filesystem::path log_of(const std::string& name, const std::string& arm) const {
    return folder_ / name / "arms" / arm / "log.jsonl";
  }
  std::size_t steps_of(const std::string& name, const std::string& arm) const { return steps_in(log_of(name, arm)); }
  static std::string weights(const limbeck::Run& run, const std::string& folder) {
    return sha256_of_file(run.path("arms/" + folder + "/model/model.safetensors"));
  }
};

TEST_F(SwaLessons, LearnTheTaskInAsManyStepsAsFineTuning) {
  SwaOptions own = options({"linear", "annealing_kd", "rco"});
  own.annealing.temperatures = 4, own.annealing.share = 0.5;
  const limbeck::Run in = run();
  run_swa(own, in);
  for (const auto& arm : own.arms) {
    EXPECT_GT(accuracy(in, arm), 0.7) << arm;
    EXPECT_EQ(steps_of("run", arm + "-1"), 39u) << arm;
  }
  EXPECT_NE(predictions(in, "annealing_kd-1"), predictions(in, "linear-1"));
  EXPECT_NE(predictions(in, "rco-1"), predictions(in, "linear-1"));
  for (const char* anchor : {"1", "2", "3"})
    models::load_encoder(in.path(std::string("arms/teacher/anchors/") + anchor));
}

TEST_F(SwaLessons, AnnealingWithoutAFirstStageIsFineTuning) {
  SwaOptions own = options({"linear", "annealing_kd"});
  own.annealing.share = 0;
  const limbeck::Run in = run();
  run_swa(own, in);
  EXPECT_EQ(weights(in, "annealing_kd-1"), weights(in, "linear-1"));
}

TEST_F(SwaLessons, ARouteOfTheFinishedTeacherAloneIsLogitDistillation) {
  SwaOptions own = options({"kd", "rco"});
  own.route.anchors = 1;
  const limbeck::Run in = run("route"), without = run("without");
  run_swa(own, in);
  EXPECT_EQ(weights(in, "rco-1"), weights(in, "kd-1"));
  own.arms = {"kd"};
  run_swa(own, without);
  EXPECT_EQ(weights(without, "kd-1"), weights(in, "kd-1")) << "the arms beside it change nothing";
}

TEST_F(SwaLessons, TheRouteLeavesTheTeacherAsItIsWithoutOne) {
  const limbeck::Run in = run("route"), without = run("without");
  SwaOptions own = options({"kd", "rco"});
  run_swa(own, in);
  own.arms = {"kd"};
  run_swa(own, without);
  EXPECT_EQ(weights(in, "teacher"), weights(without, "teacher"));
  EXPECT_EQ(weights(in, "kd-1"), weights(without, "kd-1"));
  EXPECT_NE(weights(in, "rco-1"), weights(in, "kd-1"));
}

TEST_F(SwaLessons, TheRouteEndsInTheSameBytesAfterKills) {
  SwaOptions own = options({"rco"});
  own.train.epochs = 4;
  own.train.checkpoint_every = 5;
  const limbeck::Run whole = run("whole");
  run_swa(own, whole);
  EXPECT_TRUE(is_killed_after(20, log_of("run", "teacher"), [&] { run_swa(own, run("run")); }));
  EXPECT_TRUE(is_killed_after(12, log_of("run", "rco-1"), [&] { run_swa(own, run("run")); }));
  const limbeck::Run in = run();
  run_swa(own, in);
  for (const char* folder : {"teacher", "rco-1"}) EXPECT_EQ(weights(in, folder), weights(whole, folder)) << folder;
  EXPECT_EQ(predictions(in, "rco-1"), predictions(whole, "rco-1"));
  for (const char* anchor : {"1", "2", "3"}) {
    const std::string file = std::string("arms/teacher/anchors/") + anchor + "/model.safetensors";
    EXPECT_EQ(sha256_of_file(in.path(file)), sha256_of_file(whole.path(file))) << anchor;
  }
}

TEST_F(SwaLessons, AGeneratorRewritesTextsForTheStudent) {
  SwaOptions own = with_generator(options({"kd", "mate_kd"}));
  const limbeck::Run in = run(), without = run("without");
  run_swa(own, in);
  EXPECT_GT(accuracy(in, "mate_kd"), 0.7);
  EXPECT_EQ(steps_of("run", "mate_kd-1"), 39u);
  EXPECT_NE(predictions(in, "mate_kd-1"), predictions(in, "kd-1"));
  int64_t last = 0;
  read_jsonl(in.path("arms/mate_kd-1/log.jsonl"), [&](const Json& row, int64_t) {
    if (row["kind"] == "generator") last = row["step"].get<int64_t>();
  });
  EXPECT_EQ(last, 16) << "2 before each 5 of 39";
  own.arms = {"kd"};
  run_swa(own, without);
  EXPECT_EQ(weights(without, "kd-1"), weights(in, "kd-1")) << "the arms beside it change nothing";
}

TEST_F(SwaLessons, AGeneratorsRunEndsInTheSameBytesAfterAKill) {
  SwaOptions own = with_generator(options({"mate_kd"}));
  own.train.epochs = 4;
  own.train.checkpoint_every = 4;
  const limbeck::Run whole = run("whole");
  run_swa(own, whole);
  EXPECT_TRUE(is_killed_after(13, log_of("run", "mate_kd-1"), [&] { run_swa(own, run("run")); }));
  const limbeck::Run in = run();
  run_swa(own, in);
  EXPECT_EQ(weights(in, "mate_kd-1"), weights(whole, "mate_kd-1"));
  EXPECT_EQ(predictions(in, "mate_kd-1"), predictions(whole, "mate_kd-1"));
}

TEST_F(SwaLessons, AGeneratorWithoutAHeadIsAMistakeBeforeAnyTraining) {
  SwaOptions own = options({"linear", "mate_kd"});
  own.mate.generator = own.model;
  const limbeck::Run in = run();
  EXPECT_NE(message_of<UserError>([&] { run_swa(own, in); }).find("mate.generator"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(in.path("arms/linear-1")));
}

TEST_F(SwaLessons, ThereIsNoRouteToATeacherThatIsTrainedAlready) {
  SwaOptions own = options({"rco"});
  models::save_encoder(
      folder_ / "taught",
      *encoder({.kind = models::HeadKind::kClassification, .outputs = 2, .labels = {"negative", "positive"}}),
      *word_piece_tokenizer());
  own.teacher = (folder_ / "taught").string();
  const std::string message = message_of<UserError>([&] { run_swa(own, run()); });
  EXPECT_NE(message.find("rco learns from checkpoints of the teacher's training"), std::string::npos) << message;
  EXPECT_NE(message.find(own.teacher), std::string::npos) << message;
}

}  // namespace
}  // namespace limbeck::recipes
