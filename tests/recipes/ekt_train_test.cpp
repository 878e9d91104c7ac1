#include "recipes/ekt_train.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "data/encode.h"
#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

class Training : public TinyEkt {
 protected:
  std::vector<TrainingPair> pairs() {
    std::vector<TrainingPair> list;
    for (int box = 0; box < 12; ++box) list.push_back({"Box " + std::to_string(box) + "?", "answer = 1"});
    return list;
  }
  double loss_of(const models::Pretrained& model) {
    std::vector<data::Row> rows;
    for (const auto& pair : pairs())
      rows.push_back(
          data::pair_row(synthesis::zero_shot_prompt(pair.question), synthesis::completion_of(pair.program)));
    return mean_loss(*model.model, data::encode_rows(rows, *model.tokenizer, limits_of(model), {}, "pairs").examples,
                     Precision::kFp32);
  }
  // Values under `key` of the rows of one kind in the arm's log.
  std::vector<double> logged(const std::filesystem::path& log, const std::string& kind, const char* key) {
    std::vector<double> values;
    read_jsonl(log, [&](const Json& row, int64_t) {
      if (row.at("kind") == kind) values.push_back(row.at(key).get<double>());
    });
    return values;
  }
};

TEST_F(Training, TheStudentLearnsToWriteThePrograms) {
  const auto run = open_run("run");
  const EktContext context(options_, run);
  options_.train.epochs = 30;
  train_student(context, usual_course(context, pairs()), run.child("arm"), run.path("model"));
  EXPECT_LT(loss_of(models::load_pretrained(run.path("model"))), 0.2 * loss_of(context.student()));
}

TEST_F(Training, TheMeanOfTheStudentsWeightsRemainsByOptionsAlone) {
  const auto run = open_run("run");
  const EktContext context(options_, run);
  options_.train.epochs = 10;
  train_student(context, usual_course(context, pairs()), run.child("last"), run.path("last-model"));
  options_.train.averaging = {.kind = train::AveragingKind::kSwa, .start = 0.5, .every = 1};
  train_student(context, usual_course(context, pairs()), run.child("mean"), run.path("mean-model"));
  const double mean = loss_of(models::load_pretrained(run.path("mean-model")));
  EXPECT_NE(mean, loss_of(models::load_pretrained(run.path("last-model"))));
  EXPECT_LT(mean, loss_of(context.student()));
}

TEST_F(Training, TheBestCheckpointOnHeldOutProblemsIsWhatRemains) {
  const auto run = open_run("run");
  const EktContext context(options_, run);
  options_.train.epochs = 6;
  train_student(context, usual_course(context, pairs()), run.child("arm"), run.path("model"));
  EXPECT_EQ(logged(run.path("arm/log.jsonl"), "evaluation", "metric").size(), 6u) << "after each epoch";
}

TEST_F(Training, AFinishedStudentIsNotTrainedAgain) {
  const auto run = open_run("run");
  const EktContext context(options_, run);
  train_student(context, usual_course(context, pairs()), run.child("arm"), run.path("model"));
  const auto steps = logged(run.path("arm/log.jsonl"), "step", "step").size();
  train_student(context, usual_course(context, pairs()), run.child("arm"), run.path("model"));
  EXPECT_EQ(logged(run.path("arm/log.jsonl"), "step", "step").size(), steps);
}

TEST_F(Training, ACourseHasItsOwnWeightsToBeginWithOptionsAndStep) {
  const auto run = open_run("run");
  const EktContext context(options_, run);
  Course course = usual_course(context, pairs());
  train_student(context, course, run.child("first"), run.path("first-model"));
  course.student = [&] { return models::load_pretrained(run.path("first-model")); };
  course.train.max_steps = 2;
  course.look_at_dev = false;
  std::size_t num_examples = 0;
  course.step = [&](models::Pretrained& student, const std::vector<data::Example>& examples) {
    num_examples = examples.size();
    return sft_step(*student.model, Precision::kFp32);
  };
  train_student(context, course, run.child("second"), run.path("second-model"));
  EXPECT_EQ(num_examples, 12u);
  EXPECT_EQ(logged(run.path("second/log.jsonl"), "step", "loss").size(), 2u);
  EXPECT_TRUE(logged(run.path("second/log.jsonl"), "evaluation", "metric").empty());
  EXPECT_LT(logged(run.path("second/log.jsonl"), "step", "loss")[0],
            0.8 * logged(run.path("first/log.jsonl"), "step", "loss")[0])
      << "goes on from the first student";
}

TEST_F(Training, ControlTokensThatAQuestionSpellsStayTextAsTheyDoWhenTheStudentIsAsked) {
  options_.train.max_steps = 1;
  options_.dev_fraction = 0;
  const auto run = open_run("run");
  const EktContext context(options_, run);
  const std::string question = "Box 7<|end|>?";
  std::vector<int32_t> read;
  Course course = usual_course(context, {{question, "answer = 1"}});
  course.step = [&](models::Pretrained& student, const std::vector<data::Example>& examples) {
    read = examples.at(0).ids;
    return sft_step(*student.model, Precision::kFp32);
  };
  train_student(context, course, run.child("arm"), run.path("model"));
  EXPECT_EQ(std::count(read.begin(), read.end(), 256), 1) << "the end that is appended";
  const auto asked =
      synthesis::encode_prompt(*context.student().tokenizer, EktContext::zero_shot({.question = question}));
  ASSERT_GT(read.size(), asked.size());
  EXPECT_TRUE(std::equal(asked.begin(), asked.end(), read.begin()));
}

// Official code: labels are the ids, end-of-text padding to the full length included.
TEST_F(Training, LossOnPaddingFillsEveryTextToItsFullLength) {
  options_.train.max_steps = 1;
  options_.dev_fraction = 0;
  const auto run = open_run("run");
  const EktContext context(options_, run);
  train_student(context, usual_course(context, pairs()), run.child("short"), run.path("a"));
  options_.loss_on_pad = options_.loss_on_prompt = true;
  train_student(context, usual_course(context, pairs()), run.child("padded"), run.path("b"));
  EXPECT_EQ(logged(run.path("padded/log.jsonl"), "step", "tokens")[0], 4 * 60);
  EXPECT_LT(logged(run.path("short/log.jsonl"), "step", "tokens")[0], 4 * 25);
}

}  // namespace
}  // namespace limbeck::recipes
