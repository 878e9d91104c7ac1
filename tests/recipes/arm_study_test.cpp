#include "recipes/arm_study.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_encoder.h"

namespace limbeck::recipes {
namespace {

class ArmStudy : public TinyEncoder {
 protected:
  StudyOptions options() {
    StudyOptions own;
    fill(own);
    return own;
  }
};

TEST_F(ArmStudy, StartsAnArmFromSomeLayersWithAHeadThatASeedShares) {
  const std::string folder = body();
  const Study study(options(), folder, run());
  const auto whole = study.open(folder, study.seed_of(0)),
             cut = study.open(folder, study.seed_of(0), {.rule = models::DropRule::kTop, .drop = 3});
  EXPECT_EQ(whole.model->config().num_hidden_layers, 4);
  EXPECT_EQ(cut.model->config().num_hidden_layers, 1);
  const auto head = [](models::Encoder& model) { return trainable_head(model).parameters.front().tensor->detach(); };
  EXPECT_TRUE(head(*whole.model).equal(head(*cut.model)));
  EXPECT_FALSE(head(*whole.model).equal(head(*study.open(folder, study.seed_of(1)).model)));
}

TEST_F(ArmStudy, TrainsEverySeedOnceAndReadsItAgain) {
  const std::string folder = body();
  const limbeck::Run in = run();
  const Study study(options(), folder, in);
  int opened = 0;
  const auto training = [&](int64_t s) {
    return study.starting_from([&, s] { return ++opened, study.open(folder, study.seed_of(s)); });
  };
  const TaskArm arm = study.train_seeds("arm", "an arm", training);
  EXPECT_EQ(arm.name, "arm");
  EXPECT_EQ(arm.runs.size(), 2u);
  EXPECT_EQ(arm.folders[1].filename(), "arm-2");
  study.train_seeds("arm", "an arm", training);
  EXPECT_EQ(opened, 2);
}

TEST_F(ArmStudy, FineTunesATeacherWithoutAHeadAndTakesOneWithAHeadAsItIs) {
  const std::string folder = body();
  const limbeck::Run in = run("first");
  const Study first(options(), folder, in);
  const auto teacher = first.teacher(folder);
  ASSERT_EQ(teacher.arm.folders.size(), 1u);
  const std::string tuned = (teacher.arm.folders[0] / "model").string();
  const limbeck::Run again = run("second");
  const Study second(options(), tuned, again);
  const auto same = second.teacher(tuned);
  EXPECT_FALSE(std::filesystem::exists(again.path("arms/teacher/model")));  // nothing was trained
  EXPECT_EQ(predictions(again, "teacher"), predictions(in, "teacher"));
  const data::Batch batch = data::collate({second.task().test.examples[0]});
  EXPECT_TRUE(task_pass(*same.model, batch).logits.detach().equal(task_pass(*teacher.model, batch).logits.detach()));
}

TEST_F(ArmStudy, FineTunesATeacherWithHooksBesideItsOwn) {
  struct Counting : train::Hooks {
    Counting(TaskHooks& own, int64_t& count) : own(own), count(count) {}
    void before_step(int64_t step) override { own.before_step(step); }
    void after_step(int64_t step) override { count = step; }
    std::optional<double> evaluate(int64_t step) override { return own.evaluate(step); }
    TaskHooks& own;
    int64_t& count;
  };
  const std::string folder = body();
  const limbeck::Run in = run("first"), again = run("second");
  const Study plain(options(), folder, in), study(options(), folder, again);
  EXPECT_FALSE(study.has_head(folder));
  int64_t count = 0;
  const auto teacher = study.teacher(folder, [&](models::Encoder&, TaskHooks& own, const limbeck::Run&) {
    return std::make_unique<Counting>(own, count);
  });
  EXPECT_EQ(count, 39);
  plain.teacher(folder);
  EXPECT_EQ(predictions(again, "teacher"), predictions(in, "teacher"));
  const std::string tuned = (teacher.arm.folders[0] / "model").string();
  EXPECT_TRUE(study.has_head(tuned));
}

TEST_F(ArmStudy, TakesATeachersLabelsInAnyOrderAndRefusesOthers) {
  const auto saved_with = [&](const std::vector<std::string>& labels) {
    const std::string folder = (folder_ / labels.front()).string();
    const auto teacher = encoder({.kind = models::HeadKind::kClassification, .outputs = 2, .labels = labels});
    models::save_encoder(folder, *teacher, *word_piece_tokenizer());
    return folder;
  };
  const std::string own = saved_with({"negative", "positive"}), turned = saved_with({"positive", "negative"});
  const limbeck::Run in = run("own"), other = run("turned");
  const Study study(options(), body(), in), again(options(), body(), other);
  const auto first = study.teacher(own), second = again.teacher(turned);
  EXPECT_FALSE(std::filesystem::exists(other.path("arms/teacher/model"))) << "it has a head: nothing was trained";
  for (std::size_t i = 0; i < first.arm.runs[0].size(); ++i)
    EXPECT_EQ(first.arm.runs[0][i].label, 1 - second.arm.runs[0][i].label) << "the same rows stand for other labels";
  const std::string message = message_of<UserError>([&] { study.teacher(saved_with({"sad", "happy"})); });
  EXPECT_NE(message.find("the teacher has 2 (only there: sad, happy)"), std::string::npos) << message;
}

TEST(StudyOptions, NameTheNearestArm) {
  StudyOptions options;
  options.arms = {"fine_tune"};
  Fields fields;
  options.describe(fields, {"fine-tune", "kd"});
  EXPECT_NE(fields.checks().back()()->find("did you mean 'fine-tune'?"), std::string::npos);
  options.arms = {};
  EXPECT_NE(fields.checks().back()()->find("at least one"), std::string::npos);
  options.arms = {"kd"};
  EXPECT_EQ(fields.checks().back()(), std::nullopt);
  EXPECT_TRUE(options.has("kd"));
}

}  // namespace
}  // namespace limbeck::recipes
