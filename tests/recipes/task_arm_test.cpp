#include "recipes/task_arm.h"

#include <gtest/gtest.h>

#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

class TaskArms : public TinyTask {
 protected:
  ArmTraining training() {
    return {.name = "tuned",
            .title = "tuned",
            .student = [this](Seed) -> models::PretrainedEncoder {
              ++num_made_;
              return {encoder(head_of(task_.data)), word_piece_tokenizer()};
            },
            .train = {.max_steps = 4, .batch_size = 16, .learning_rate = 1e-3, .warmup_steps = 0}};
  }
  OpenTask task_ = open(film_data());
  int num_made_ = 0;
};

TEST_F(TaskArms, TrainWithEachSeedAndAreReadTheSecondTime) {
  const limbeck::Run own = run();
  const ArmContext context{.task = task_, .precision = Precision::kFp32, .num_seeds = 2};
  const TaskArm arm = train_arm(training(), context, own);
  ASSERT_EQ(arm.runs.size(), 2u);
  EXPECT_EQ(num_made_, 2);
  EXPECT_GT(arm.num_parameters, 0);
  EXPECT_EQ(arm.num_trained, arm.num_parameters);
  EXPECT_GT(arm.speed.one, 0);
  EXPECT_TRUE(std::filesystem::exists(own.path("tuned-1/model/config.json")));
  const TaskArm again = train_arm(training(), context, own);
  EXPECT_EQ(num_made_, 2) << "nothing was trained again";
  EXPECT_EQ(again.runs[1][3].label, arm.runs[1][3].label);
  EXPECT_EQ(again.speed.one, arm.speed.one);
}

TEST_F(TaskArms, TakeOtherStepsParametersAndHooks) {
  struct Counting : train::Hooks {
    explicit Counting(TaskHooks& own, int& count) : own(own), count(count) {}
    void before_step(int64_t step) override { own.before_step(step), ++count; }
    TaskHooks& own;
    int& count;
  };
  int steps = 0, losses = 0;
  ArmTraining other = training();
  other.parameters = trainable_head;
  other.hooks = [&](models::Encoder&, TaskHooks& own, const limbeck::Run&) {
    return std::make_unique<Counting>(own, steps);
  };
  other.step = [&](models::Encoder& student, const TaskHooks& hooks) {
    return [&losses, inner = fine_tuning_step(student, task_, hooks)](const data::Batch& batch) {
      ++losses;
      return inner(batch);
    };
  };
  const TaskArm arm = train_arm(other, {.task = task_, .precision = Precision::kFp32}, run());
  EXPECT_EQ(steps, 4);
  EXPECT_EQ(losses, 4);
  EXPECT_LT(arm.num_trained, arm.num_parameters);
}

TEST_F(TaskArms, OfOneSeedSeeTheSameRowsInTheSameOrderAndDrawTheSameDropout) {
  using Seen = std::vector<std::pair<std::vector<int64_t>, uint64_t>>;  // rows and salt of each step
  const auto seen_by = [&](const std::string& name, int64_t first_seed) {
    Seen seen;
    ArmTraining arm = training();
    arm.name = name;
    arm.first_seed = first_seed;
    arm.step = [&](models::Encoder& student, const TaskHooks& hooks) {
      return [&seen, &hooks, inner = fine_tuning_step(student, task_, hooks)](const data::Batch& batch) {
        seen.emplace_back(batch.indices, hooks.salt());
        return inner(batch);
      };
    };
    train_arm(arm, {.task = task_, .precision = Precision::kFp32}, run());
    return seen;
  };
  const Seen one = seen_by("one", 0);
  EXPECT_EQ(one.size(), 4u);
  EXPECT_EQ(seen_by("two", 0), one);
  EXPECT_NE(seen_by("three", 1), one);
}

TEST_F(TaskArms, OfAModelThatIsThereAreMeasuredOnly) {
  const auto model = encoder(head_of(task_.data));
  const limbeck::Run own = run();
  const TaskArm arm =
      measure_arm("teacher", "teacher", *model, {.task = task_, .precision = Precision::kFp32}, own.child("teacher"));
  EXPECT_EQ(arm.num_trained, 0);
  EXPECT_EQ(arm.runs.front().size(), task_.data.test.rows.size());
}

TEST_F(TaskArms, OfTheMajoritySayTheMostFrequentTrainingLabel) {
  OpenTask task = task_;
  for (std::size_t i = 0; i < task.data.train.rows.size(); ++i) task.data.train.rows[i].label = i % 4 == 0 ? 0 : 1;
  const TaskArm arm = majority_arm(task);
  EXPECT_EQ(arm.runs.front()[0].label, 1);
  EXPECT_EQ(arm.runs.front()[0].probabilities, (std::vector<double>{0.25, 0.75}));
  task.data.description.kind = data::TaskKind::kScore;
  for (auto& row : task.data.train.rows) row.score = 3;
  EXPECT_EQ(majority_arm(task).runs.front()[0].score, 3);
}

}  // namespace
}  // namespace limbeck::recipes
