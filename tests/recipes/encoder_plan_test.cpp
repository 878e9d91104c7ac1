#include "recipes/encoder_plan.h"

#include <gtest/gtest.h>

#include <map>

#include "base/message_of.h"
#include "recipes/distilbert.h"
#include "recipes/fine_tune.h"
#include "recipes/layer_drop.h"
#include "recipes/logit_kd.h"
#include "recipes/swa.h"
#include "recipes/tiny_encoder.h"
#include "recipes/tiny_pretraining.h"
#include "recipes/tinybert.h"

namespace limbeck::recipes {
namespace {

class EncoderPlanOf : public TinyEncoder {
 protected:
  static std::map<std::string, PlannedTraining> by_name(const EncoderPlan& plan) {
    std::map<std::string, PlannedTraining> trainings;
    for (const PlannedTraining& training : plan.trainings)
      EXPECT_TRUE(trainings.emplace(training.name, training).second) << training.name << " twice";
    return trainings;
  }
  template <class Options>
  Options filled() {
    Options options;
    fill(options);
    return options;
  }
};

TEST_F(EncoderPlanOf, FineTuningCountsTheTokensOfItsTask) {
  auto options = filled<FineTuneOptions>();
  options.model = body();
  const auto plan = by_name(encoder_plan(options));
  ASSERT_EQ(plan.size(), 2u) << "the most frequent label takes no training";
  EXPECT_TRUE(plan.at("probe").head_alone);
  const PlannedTraining& tuning = plan.at("fine-tune");
  EXPECT_EQ(tuning.runs, 2);
  EXPECT_EQ(tuning.config.num_hidden_layers, 4);
  EXPECT_EQ(tuning.work, plan.at("probe").work) << "read once";
  const OpenTask task = open(options.data);
  EXPECT_EQ(tuning.work->num_tokens, task.train.num_tokens);
  EXPECT_EQ(tuning.work->held_out_tokens, task.dev.num_tokens);
  EXPECT_EQ(tuning.work->test_tokens, task.test.num_tokens);
  EXPECT_EQ(tuning.work->head.outputs, 2);
}

TEST_F(EncoderPlanOf, DistillationHasATeacherToTuneFirstAndAStudentOfFewerBlocks) {
  auto options = filled<LogitKdOptions>();
  options.teacher = body();
  options.layers.drop = 2;
  const auto plan = by_name(encoder_plan(options));
  ASSERT_EQ(plan.size(), 3u);
  EXPECT_EQ(plan.at("teacher").runs, 1);
  EXPECT_EQ(plan.at("teacher").config.num_hidden_layers, 4);
  EXPECT_EQ(plan.at("kd").config.num_hidden_layers, 2);
  ASSERT_TRUE(plan.at("kd").teacher.has_value());
  EXPECT_EQ(plan.at("kd").teacher->num_hidden_layers, 4);
  EXPECT_DOUBLE_EQ(plan.at("kd").teacher_epochs.value(), 0.5) << "once for two seeds";
  EXPECT_FALSE(plan.at("fine-tune").teacher.has_value());
}

TEST_F(EncoderPlanOf, MeansOfOneTrajectoryAreOneTraining) {
  auto options = filled<SwaOptions>();
  options.model = body();
  options.arms = {"linear", "swa", "ema", "swa_low"};
  const auto plan = by_name(encoder_plan(options));
  ASSERT_EQ(plan.size(), 3u);
  EXPECT_EQ(plan.at("linear").means, 0);
  EXPECT_EQ(plan.at("constant").means, 2);
  EXPECT_EQ(plan.at("low").means, 1);
}

TEST_F(EncoderPlanOf, WaysToDistilReadTheTrainingRowsOnceForEachTeacher) {
  auto options = filled<SwaOptions>();
  options.model = options.teacher = body();
  options.arms = {"annealing_kd", "rco", "mate_kd"};
  options.route.anchors = 3;
  const auto plan = by_name(encoder_plan(options));
  ASSERT_EQ(plan.size(), 4u);
  EXPECT_EQ(plan.at("teacher").runs, 1);
  EXPECT_DOUBLE_EQ(plan.at("annealing_kd").teacher_epochs.value(), 0.5) << "once for two seeds";
  EXPECT_DOUBLE_EQ(plan.at("rco").teacher_epochs.value(), 1.5);
  EXPECT_DOUBLE_EQ(plan.at("mate_kd").teacher_epochs.value(), 3.5) << "what is written for it too";
  EXPECT_DOUBLE_EQ(plan.at("mate_kd").passes, 2);
  EXPECT_DOUBLE_EQ(plan.at("rco").passes, 1);
}

TEST_F(EncoderPlanOf, EveryDepthIsATrainingOfItsOwnAndTooDeepOnesAreStillPlans) {
  auto options = filled<LayerDropOptions>();
  options.model = body();
  options.arms = {"top", "kd"};
  options.drop = {1, 3};
  const auto plan = by_name(encoder_plan(options));
  ASSERT_EQ(plan.size(), 5u) << "the whole model is trained in any case";
  EXPECT_EQ(plan.at("full").config.num_hidden_layers, 4);
  EXPECT_EQ(plan.at("top-3").config.num_hidden_layers, 1);
  EXPECT_EQ(plan.at("kd-1").teacher->num_hidden_layers, 4);
}

TEST_F(EncoderPlanOf, TinybertsArmsTakeEquallyManySteps) {
  auto options = filled<TinybertOptions>();
  options.teacher = body();
  options.layers = 2, options.width = 16, options.intermediate_size = 32;
  options.arms = {"fine_tune", "full", "no_general", "no_hidden"};
  options.augment.substitution.variants = 1;
  options.general.texts = {write("texts.txt", "the film was good .\nbob played a film .\nthe bad film .\n")};
  options.general.text.max_length = 16;
  options.general.train.max_steps = 5;
  const auto plan = by_name(encoder_plan(options));
  EXPECT_TRUE(plan.contains("full, general"));
  EXPECT_TRUE(plan.contains("no_hidden, general")) << "with losses of its own";
  const auto steps = [&](const std::string& name) { return plan.at(name).train.max_steps; };
  const int64_t all = steps("full, general") + steps("full, layers") + steps("full");
  EXPECT_EQ(steps("fine_tune"), all);
  EXPECT_EQ(steps("no_general, layers") + steps("no_general"), all);
  EXPECT_EQ(plan.at("full").variants, 1);
  EXPECT_EQ(plan.at("fine_tune").variants, 0);
  EXPECT_EQ(plan.at("full").config.hidden_size, 16);
}

TEST_F(EncoderPlanOf, TinybertsBaselinesWithBlocksOfTheTeacherHaveItsWidth) {
  auto options = filled<TinybertOptions>();
  options.teacher = body();
  options.layers = 2, options.width = 16, options.intermediate_size = 32;
  options.arms = {"pretrained", "distilbert", "pkd"};
  std::string texts;
  for (int i = 0; i < 40; ++i) texts += "the film was good .\nbob played a film .\n";
  options.general.texts = {write("texts.txt", texts)};
  options.general.text.max_length = 16;
  options.general.train.max_steps = 5;
  const auto plan = by_name(encoder_plan(options));
  const auto width = [&](const std::string& name) { return plan.at(name).config.hidden_size; };
  EXPECT_EQ(width("pretrained, general"), 16);
  EXPECT_EQ(width("pretrained"), 16);
  for (const char* name : {"distilbert, general", "distilbert", "pkd"}) {
    EXPECT_EQ(width(name), 32) << name;
    EXPECT_EQ(plan.at(name).config.num_hidden_layers, 2) << name;
  }
  EXPECT_EQ(plan.at("pretrained, general").train.max_steps, 5);
  EXPECT_FALSE(plan.at("pretrained, general").teacher.has_value());
  EXPECT_EQ(plan.at("distilbert, general").teacher->num_hidden_layers, 4);
  EXPECT_EQ(plan.at("pkd").teacher->num_hidden_layers, 4);
  EXPECT_FALSE(plan.contains("pkd, general"));
}

TEST_F(EncoderPlanOf, ATaskWithoutTrainingRowsIsTheUsersMistake) {
  auto options = filled<FineTuneOptions>();
  options.model = body();
  options.data.source.data = {write("none.csv", "sentence,label\n")};
  EXPECT_NE(message_of<UserError>([&] { encoder_plan(options); }), "");
}

class PretrainingPlanOf : public TinyPretraining {};

TEST_F(PretrainingPlanOf, CountsTheTextsAndPredictsTheVocabularyForTheHiddenTokens) {
  const MlmOptions options = mlm();
  const EncoderPlan plan = encoder_plan(options);
  ASSERT_EQ(plan.trainings.size(), 1u);
  const PlannedTraining& training = plan.trainings.front();
  EXPECT_EQ(training.config.hidden_size, 16);
  EXPECT_DOUBLE_EQ(training.work->vocabulary_share, 0.15);
  EXPECT_EQ(training.work->examples.size(), 160u);
  EXPECT_GT(training.work->held_out_tokens, 0);
  EXPECT_EQ(training.work->head.kind, models::HeadKind::kMaskedLm);
}

TEST_F(PretrainingPlanOf, DistilbertsArmsHaveHalfTheBlocksAndATeacherWhereALossAsksForOne) {
  DistilbertOptions options;
  options.teacher = taught_bert().string();
  options.precision = Precision::kFp32;
  options.data = data();
  options.arms = {"full", "mlm_random_init"};
  const EncoderPlan plan = encoder_plan(options);
  ASSERT_EQ(plan.trainings.size(), 2u) << "without a task nothing is fine-tuned";
  EXPECT_EQ(plan.trainings[0].config.num_hidden_layers, 2);
  EXPECT_EQ(plan.trainings[0].teacher->num_hidden_layers, 4);
  EXPECT_DOUBLE_EQ(plan.trainings[0].work->vocabulary_share, 1) << "the divergence is over all tokens";
  EXPECT_FALSE(plan.trainings[1].teacher.has_value());
  options.arms = {"untrained"};
  EXPECT_TRUE(encoder_plan(options).trainings.empty());
  const auto encoder = models::load_encoder(options.teacher, plan.trainings[0].work->head).model;
  const train::Step step = plan.trainings[0].work->step(*encoder);
  const auto batch = data::collate({plan.trainings[0].work->examples.front()});
  EXPECT_EQ(step(batch).terms.front().count, batch.ids.numel());
}

}  // namespace
}  // namespace limbeck::recipes
