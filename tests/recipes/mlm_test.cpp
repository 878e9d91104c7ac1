// Pretraining of a tiny BERT on sentences of a little grammar.
#include "recipes/mlm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/killed_child.h"
#include "recipes/tiny_pretraining.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

class MlmRun : public TinyPretraining {
 protected:
  std::string pretrain(const MlmOptions& options, const std::string& name) {
    ::testing::internal::CaptureStdout();
    try {
      run_mlm(options, open_run(options, name, "mlm"));
    } catch (...) {
      ::testing::internal::GetCapturedStdout();
      throw;
    }
    return ::testing::internal::GetCapturedStdout();
  }
  std::string weights(const std::string& name) const {
    return sha256_of_file(folder_ / name / "model" / "model.safetensors");
  }
  Json table(const std::string& name) const { return read_json(folder_ / name / "table.json"); }
};

TEST_F(MlmRun, LearnsToGuessHiddenWords) {
  MlmOptions options = mlm();
  options.train.max_steps = 80;
  options.train.evaluate_every = 40;
  const std::string out = pretrain(options, "run");
  EXPECT_THAT(out, HasSubstr("training: 160 examples"));
  const Json result = table("run");
  EXPECT_LT(result["after"]["loss"].get<double>(), 0.75 * result["before"]["loss"].get<double>());
  EXPECT_GT(result["after"]["accuracy"].get<double>(), result["before"]["accuracy"].get<double>() + 0.1);
  const auto model = models::load_encoder(folder_ / "run" / "model");
  EXPECT_EQ(model.model->head().kind, models::HeadKind::kMaskedLm);
  EXPECT_FALSE(model.fresh_head);
}

TEST_F(MlmRun, HasThisSequenceOfLosses) {
  pretrain(mlm(), "run");
  const auto found = losses(folder_ / "run");
  ASSERT_EQ(found.size(), 12u);
  const std::vector<double> expected = {4.5165, 4.4978, 4.4140, 4.3600, 4.3964, 4.2460,
                                        4.2918, 4.2516, 4.0850, 4.1087, 4.1336, 4.2186};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 2e-3) << i;
}

TEST_F(MlmRun, EndsInTheSameBytesAfterKills) {
  MlmOptions options = mlm();
  options.train.max_steps = 60;
  options.train.checkpoint_every = 7;
  options.train.averaging = {.kind = train::AveragingKind::kSwa, .start = 0.2, .every = 3};
  pretrain(options, "whole");
  for (const std::size_t steps : {10, 33}) {
    EXPECT_TRUE(is_killed_after(steps, folder_ / "run" / "log.jsonl",
                                [&] { run_mlm(options, open_run(options, "run", "mlm")); }));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run" / "model"));
  }
  pretrain(options, "run");
  EXPECT_EQ(weights("run"), weights("whole"));
  EXPECT_EQ(table("run"), table("whole"));
}

TEST_F(MlmRun, GoesOnFromAModel) {
  pretrain(mlm(), "first");
  MlmOptions options = mlm();
  options.tokenizer.clear();
  options.model = (folder_ / "first" / "model").string();
  pretrain(options, "second");
  EXPECT_NEAR(table("second")["before"]["loss"].get<double>(), table("first")["after"]["loss"].get<double>(), 1e-5);
}

TEST_F(MlmRun, RefusesWhatCannotBe) {
  MlmOptions options = mlm();
  options.data.text.max_length = 33;
  EXPECT_THAT(message_of<UserError>([&] { pretrain(options, "long"); }), HasSubstr("at most 32, the model's context"));
  MlmOptions neither = mlm();
  neither.tokenizer.clear();
  Fields fields = fields_of(neither);
  EXPECT_THAT(message_of<UserErrors>([&] { read_options(fields, "", {}); }), HasSubstr("expected one of the two"));
}

}  // namespace
}  // namespace limbeck::recipes
