#include "recipes/task_training.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>  // std::abs

#include "base/message_of.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

using TaskTraining = TinyTask;

const train::Options kFilmTraining{.epochs = 6, .batch_size = 16, .learning_rate = 3e-3, .warmup_steps = 5};

TEST_F(TaskTraining, LearnsATaskAndItsLogitsReadAsPredictions) {
  const OpenTask task = open(film_data());
  const auto model = encoder(head_of(task.data));
  TaskHooks hooks(*model, task, Seed(1));
  const double before = evaluation::task_metric("accuracy", task.data, task.data.test,
                                                predict(*model, task.data.description, task.data.test, task.test));
  const limbeck::Run own = run();
  const auto result = train::fit(trainable(*model), task.train.examples, fine_tuning_step(*model, task, hooks),
                                 kFilmTraining, own, hooks);
  const auto predictions = predict(*model, task.data.description, task.data.test, task.test);
  EXPECT_GT(evaluation::task_metric("accuracy", task.data, task.data.test, predictions), std::max(0.95, before));
  EXPECT_GT(result.best_metric, 0.95);
  EXPECT_NEAR(predictions[0].probabilities[0] + predictions[0].probabilities[1], 1, 1e-9);
}

TEST_F(TaskTraining, GivesTheSamePredictionsHoweverRowsArePacked) {
  const OpenTask task = open(film_data());
  const auto model = encoder(head_of(task.data));
  const auto together = task_logits(*model, task.test.examples), alone = task_logits(*model, task.test.examples, 1);
  for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(at::allclose(together[i], alone[i], 1e-4, 1e-5)) << i;
}

TEST_F(TaskTraining, HasTheLossOfABatchWhateverItIsCutInto) {
  const OpenTask task = open(film_data());
  const auto model = encoder(head_of(task.data));
  const auto loss_of = [&](std::size_t begin, std::size_t end) {
    const data::Batch batch = data::collate({task.train.examples.begin() + static_cast<int64_t>(begin),
                                             task.train.examples.begin() + static_cast<int64_t>(end)});
    return task_loss(task_pass(*model, batch).logits, batch, data::TaskKind::kClasses, task.train);
  };
  const auto whole = loss_of(0, 9), first = loss_of(0, 4), second = loss_of(4, 9);
  EXPECT_NEAR(whole.sum.item<double>(), first.sum.item<double>() + second.sum.item<double>(), 1e-4);
  EXPECT_EQ(whole.count, 9);
}

TEST_F(TaskTraining, DrawsDropoutByTheStepAndNotByTheBatch) {
  const OpenTask task = open(film_data());
  const auto model = encoder(head_of(task.data));
  TaskHooks hooks(*model, task, Seed(1));
  const train::Step step = fine_tuning_step(*model, task, hooks);
  const auto loss_of = [&](std::size_t begin, std::size_t end) {
    return step(data::collate({task.train.examples.begin() + static_cast<int64_t>(begin),
                               task.train.examples.begin() + static_cast<int64_t>(end)}))
        .terms[0]
        .sum.item<double>();
  };
  hooks.before_step(3);
  const double whole = loss_of(0, 6);
  EXPECT_NEAR(whole, loss_of(0, 2) + loss_of(2, 6), 1e-4);
  hooks.before_step(4);
  EXPECT_GT(std::abs(loss_of(0, 6) - whole), 1e-3);
}

TEST_F(TaskTraining, OfTheHeadAloneLeavesTheBodyAsItIs) {
  const OpenTask task = open(film_data());
  const auto model = encoder(head_of(task.data));
  const at::Tensor before = model->word_embeddings().clone();
  TaskHooks hooks(*model, task, Seed(1));
  const train::Trainable head = trainable_head(*model);
  EXPECT_LT(head.parameters.size(), trainable(*model).parameters.size());
  const limbeck::Run own = run();
  train::fit(head, task.train.examples, fine_tuning_step(*model, task, hooks), {.max_steps = 3, .learning_rate = 0.1},
             own, hooks);
  EXPECT_TRUE(at::equal(model->word_embeddings(), before));
}

// Every other kind of task, from its file to what the model says after learning it by heart.
struct OtherKind {
  const char *name, *rows, *metric;
  TaskDataOptions options;
};

TEST_F(TaskTraining, LearnsEveryKindOfTaskByHeart) {
  std::vector<OtherKind> kinds(4);
  kinds[0] = {"score.jsonl",
              "{\"a\":\"good film\",\"b\":\"bad film\",\"y\":1}\n{\"a\":\"good\",\"b\":\"good\",\"y\":5}\n"
              "{\"a\":\"bob\",\"b\":\"bob\",\"y\":4}\n{\"a\":\"the\",\"b\":\"film\",\"y\":0}\n",
              "pearson",
              {.source = {.text = {"a"}, .pair = {"b"}, .kind = "score", .label = "y"}}};
  kinds[1] = {"tags.jsonl",
              "{\"w\":[\"bob\",\"was\",\"good\"],\"y\":[\"B-PER\",\"O\",\"O\"]}\n"
              "{\"w\":[\"the\",\"film\",\"bob\"],\"y\":[\"O\",\"B-ART\",\"B-PER\"]}\n",
              "entity_f1",
              {.source = {.text = {"w"}, .kind = "tags", .label = "y"}}};
  kinds[2] = {"span.jsonl",
              "{\"q\":\"bob\",\"c\":\"the film was good.\",\"y\":\"good\"}\n"
              "{\"q\":\"film\",\"c\":\"bob played a film\",\"y\":\"a film\"}\n{\"q\":\"a\",\"c\":\"bad\",\"y\":\"\"}\n",
              "exact_match",
              {.source = {.text = {"q"}, .pair = {"c"}, .kind = "span", .label = "y"}}};
  kinds[3] = {"choice.toml", "", "accuracy", {}};
  write(
      "choice.jsonl",
      "{\"q\":\"bob\",\"c\":[\"good\",\"bad\",\"film\"],\"y\":2}\n{\"q\":\"the\",\"c\":[\"was\",\"film\"],\"y\":0}\n");
  kinds[3].options.source.task = write("choice.toml",
                                       "kind = \"choice\"\ntrain = [\"choice.jsonl\"]\ntest = [\"choice.jsonl\"]\ntext "
                                       "= [\"q\"]\nchoices = [\"c\"]\nlabel = \"y\"\n");
  for (OtherKind& kind : kinds) {
    if (kind.rows[0] != '\0') kind.options.source.data = kind.options.source.test = {write(kind.name, kind.rows)};
    if (std::string(kind.metric) == "pearson") {
      write("score.toml",
            "kind = \"score\"\ntrain = [\"score.jsonl\"]\ntest = [\"score.jsonl\"]\ntext = [\"a\"]\npair = "
            "[\"b\"]\nlabel = \"y\"\nhigh = 5\n");
      kind.options.source = {.task = (folder_ / "score.toml").string()};
    }
    const OpenTask task = open(kind.options);
    const auto model = encoder(head_of(task.data));
    TaskHooks hooks(*model, task, Seed(1));
    const limbeck::Run own = run(std::string("run-") + kind.name);
    train::fit(trainable(*model), task.train.examples, fine_tuning_step(*model, task, hooks),
               {.max_steps = 120, .batch_size = 4, .learning_rate = 3e-3, .warmup_steps = 5}, own, hooks);
    const auto predictions = predict(*model, task.data.description, task.data.test, task.test);
    EXPECT_GT(evaluation::task_metric(kind.metric, task.data, task.data.test, predictions), 0.95) << kind.name;
  }
}

TEST_F(TaskTraining, TakesSomeOfTheTrainingRowsBySeed) {
  TaskDataOptions options = film_data();
  options.train_rows = 30;
  const OpenTask task = open(options), again = open(options);
  EXPECT_EQ(task.train.examples.size(), 30u);
  EXPECT_EQ(task.data.train.rows[7].where, again.data.train.rows[7].where);
}

TEST_F(TaskTraining, CountsRowsThatWereCutAmongTheNotes) {
  TaskDataOptions options = film_data();
  options.tokens = {.max_length = 7, .overlong = data::Overlong::kLongestFirst};
  const OpenTask task = open(options);
  EXPECT_EQ(task.test.num_cut, 60);
  EXPECT_NE(task.data.notes.back().find("test: 60 of 60 rows cut to 7 tokens"), std::string::npos);
}

TEST_F(TaskTraining, NeedsTrainingAndTestRows) {
  TaskDataOptions options = film_data();
  options.source.test = {};
  EXPECT_NE(message_of<UserError>([&] { expect_trainable(open(options)); }).find("expected test rows"),
            std::string::npos);
}

TEST_F(TaskTraining, WarmsUpOverAShareOfTheSteps) {
  const OpenTask task = open(film_data());
  EXPECT_EQ(with_warmup({.epochs = 2, .batch_size = 32, .warmup_steps = 0}, 0.5, task).warmup_steps, 7) << "of 2 · 7";
  EXPECT_EQ(with_warmup({.max_steps = 40, .warmup_steps = 0}, 0.1, task).warmup_steps, 4);
  EXPECT_EQ(with_warmup({.warmup_steps = 9}, 0.1, task).warmup_steps, 9);
}

}  // namespace
}  // namespace limbeck::recipes
