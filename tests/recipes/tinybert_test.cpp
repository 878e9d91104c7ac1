// TinyBERT of a tiny BERT that has learned a little grammar, on telling its sentences apart.
#include "recipes/tinybert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_pretraining.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

class TinybertRun : public TinyPretraining {
 protected:
  void SetUp() override {
    TinyPretraining::SetUp();
    std::string rows = "text,label\n";
    for (uint64_t i = 0; i < 24; ++i) rows += sentence(i) + "," + (i % 6 < 3 ? "first" : "second") + "\n";
    write_file_atomically(folder_ / "rows.csv", rows);
  }
  TinybertOptions options() const {
    TinybertOptions o;
    o.teacher = taught_bert().string();
    o.arms = {"teacher", "full"};
    o.layers = 2, o.width = 16, o.intermediate_size = 32;
    const std::string file = (folder_ / "rows.csv").string();
    o.data.source.data = {file}, o.data.source.test = {file};
    o.data.source.text = {"text"}, o.data.source.label = "label";
    o.seeds = 1, o.resamples = 100, o.precision = Precision::kFp32;
    o.general.texts = {(folder_ / "texts.txt").string()};
    o.general.text = {.max_length = 24, .packing = data::Packing::kLines};
    o.general.train = {.max_steps = 40, .batch_size = 32, .learning_rate = 5e-3, .warmup_steps = 4, .keep_best = false};
    o.augment.masked_lm = o.teacher;
    o.augment.candidates = 3, o.augment.substitution.variants = 2;
    o.intermediate = {.max_steps = 40, .batch_size = 16, .learning_rate = 3e-3, .warmup_steps = 0, .keep_best = false};
    o.train = {.max_steps = 40, .batch_size = 16, .learning_rate = 3e-3, .warmup_steps = 0, .keep_best = false};
    return o;
  }
  std::string distil(const TinybertOptions& o, const std::string& name) {
    ::testing::internal::CaptureStdout();
    try {
      run_tinybert(o, open_run(o, name, "tinybert"));
    } catch (...) {
      ::testing::internal::GetCapturedStdout();
      throw;
    }
    return ::testing::internal::GetCapturedStdout();
  }
  double accuracy(const std::string& name, const std::string& arm) const {
    const Json table = read_json(folder_ / name / "table.json");
    for (const Json& row : table["arms"])
      if (row["arm"] == arm) return row["figures"]["accuracy"]["value"].get<double>();
    ADD_FAILURE() << "no arm " << arm;
    return 0;
  }
};

TEST_F(TinybertRun, LearnsItsTeachersTask) {
  const std::string out = distil(options(), "run");
  EXPECT_THAT(out, HasSubstr("with variants:"));
  EXPECT_GT(accuracy("run", "teacher"), 0.9);
  EXPECT_GT(accuracy("run", "full"), 0.8);
  const auto general = losses(folder_ / "run" / "general" / "full");
  ASSERT_EQ(general.size(), 40u);
  EXPECT_LT(general.back(), 0.7 * general.front());
  const auto student = models::load_encoder(folder_ / "run" / "model");
  EXPECT_EQ(student.model->config().hidden_size, 16);
  EXPECT_EQ(student.model->head().kind, models::HeadKind::kClassification);
}

TEST_F(TinybertRun, HasThisSequenceOfLosses) {
  TinybertOptions o = options();
  o.arms = {"full"};
  o.general.train.max_steps = 6, o.intermediate.max_steps = 2, o.train.max_steps = 2;
  distil(o, "run");
  const auto found = losses(folder_ / "run" / "general" / "full");
  const std::vector<double> expected = {4.0034, 3.9499, 3.8743, 3.7715, 3.6063, 3.5289};
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 5e-3) << i;
}

TEST_F(TinybertRun, GivesEveryArmAsManySteps) {
  TinybertOptions o = options();
  o.arms = {"fine_tune", "kd", "no_general", "no_task", "no_augment", "no_layers", "no_prediction", "top"};
  o.general.train.max_steps = 2, o.intermediate.max_steps = 3, o.train.max_steps = 2;
  EXPECT_THAT(distil(o, "run"), HasSubstr("2 steps of general distillation, 3 of layer losses and 2 of prediction"));
  const auto steps = [&](const std::string& arm) { return losses(folder_ / "run" / "arms" / (arm + "-1")).size(); };
  for (const char* arm : {"fine_tune", "kd"}) EXPECT_EQ(steps(arm), 7u) << arm;
  EXPECT_EQ(steps("no_task"), 5u);
  for (const char* arm : {"no_general", "no_augment", "no_layers", "no_prediction", "top"})
    EXPECT_EQ(steps(arm), 2u) << arm;
  for (const char* variant : {"no_general", "no_augment", "no_task", "no_prediction"})
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run" / "general" / variant)) << variant;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run" / "general" / "full"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run" / "general" / "top"));
}

TEST_F(TinybertRun, StandsBesideStudentsThatWerePretrainedOrTaughtInAnotherWay) {
  TinybertOptions o = options();
  o.arms = {"pretrained", "distilbert", "pkd"};
  o.general.train.max_steps = 30, o.intermediate.max_steps = 3, o.train.max_steps = 40;
  distil(o, "run");
  const auto run = folder_ / "run";
  const auto steps = [&](const std::string& arm) { return losses(run / "arms" / (arm + "-1")).size(); };
  EXPECT_EQ(steps("pretrained"), 43u);
  EXPECT_EQ(steps("distilbert"), 43u);
  EXPECT_EQ(steps("pkd"), 73u);
  for (const char* arm : {"pretrained", "distilbert"}) {
    const auto general = losses(run / "general" / arm);
    ASSERT_EQ(general.size(), 30u) << arm;
    EXPECT_LT(general.back(), general.front()) << arm;
  }
  EXPECT_FALSE(std::filesystem::exists(run / "general" / "pkd"));
  for (const char* arm : {"pretrained", "distilbert", "pkd"}) {
    const auto config = models::load_encoder(run / "arms" / (std::string(arm) + "-1") / "model").model->config();
    EXPECT_EQ(config.num_hidden_layers, 2) << arm;
    EXPECT_EQ(config.hidden_size, std::string_view(arm) == "pretrained" ? 16 : 32) << arm;
    EXPECT_GT(accuracy("run", arm), 0.7) << arm;
  }
}

TEST_F(TinybertRun, RefusesBaselinesThatCannotBeBeforeItsTeacherIsTrained) {
  TinybertOptions o = options();
  const auto body = models::load_encoder(taught_bert(), models::Head{});
  models::save_encoder(folder_ / "body", *body.model, *body.tokenizer);
  const auto teacher = folder_ / "run" / "arms" / "teacher";
  o.arms = {"full", "distilbert"};
  o.general.teacher = (folder_ / "body").string();
  EXPECT_THAT(message_of<UserError>([&] { distil(o, "run"); }), HasSubstr("general.masked_lm"));
  EXPECT_FALSE(std::filesystem::exists(teacher));
  o = options();
  o.arms = {"full", "pkd"};
  o.layers = 1;
  EXPECT_THAT(message_of<UserError>([&] { distil(o, "run"); }), HasSubstr("at least two blocks"));
  o.layers = 5;
  EXPECT_THAT(message_of<UserError>([&] { distil(o, "run"); }), HasSubstr("at most 4 blocks"));
  EXPECT_FALSE(std::filesystem::exists(teacher));
}

TEST_F(TinybertRun, RefusesWhatCannotBe) {
  TinybertOptions o = options();
  o.width = 18;
  EXPECT_THAT(message_of<UserError>([&] { distil(o, "run"); }),
              HasSubstr("a multiple of the teacher's 4 attention heads"));
  o = options();
  o.general.texts.clear();
  EXPECT_THAT(message_of<UserError>([&] { distil(o, "other"); }), HasSubstr("general distillation but received none"));
}

}  // namespace
}  // namespace limbeck::recipes
