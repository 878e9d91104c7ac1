#include "evaluation/task_figures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/message_of.h"

namespace limbeck::evaluation {
namespace {

using data::Task;
using data::TaskKind;

const BootstrapOptions kQuick{.resamples = 200};

RowPrediction says(int64_t label, double confidence, std::size_t classes = 2) {
  RowPrediction prediction{.label = label};
  prediction.probabilities.assign(classes, (1 - confidence) / static_cast<double>(classes - 1));
  prediction.probabilities[label] = confidence;
  return prediction;
}

Task two_classes(const std::vector<int64_t>& labels, const std::vector<std::string>& metrics) {
  Task task{.description = {.metrics = metrics}, .labels = {"no", "yes"}};
  for (const int64_t label : labels) task.test.rows.push_back({.label = label});
  return task;
}

const TaskFigure& named(const std::vector<TaskFigure>& figures, const std::string& name) {
  for (const auto& figure : figures)
    if (figure.name == name) return figure;
  throw std::out_of_range(name);
}

TEST(TaskFigures, OfClassesAreThoseByHand) {
  const Task task =
      two_classes({1, 1, 0, 0}, {"accuracy", "f1", "macro_f1", "micro_f1", "matthews", "calibration_error"});
  const Predictions run = {says(1, 0.9), says(0, 0.6), says(0, 0.8), says(0, 0.7)};
  const auto figures = task_figures(task, task.test, {&run, 1}, kQuick);
  EXPECT_EQ(figures.size(), 6u);
  EXPECT_NEAR(named(figures, "accuracy").interval.value, 0.75, 1e-12);
  EXPECT_NEAR(named(figures, "f1").interval.value, 2.0 / 3, 1e-12);
  EXPECT_NEAR(named(figures, "macro_f1").interval.value, (2.0 / 3 + 0.8) / 2, 1e-12);
  EXPECT_NEAR(named(figures, "micro_f1").interval.value, 0.75, 1e-12);
  EXPECT_NEAR(named(figures, "matthews").interval.value, 1 / std::sqrt(3), 1e-12);
  EXPECT_NEAR(named(figures, "calibration_error").interval.value, (0.1 + 0.6 + 0.2 + 0.3) / 4, 1e-12);
  for (const auto& figure : figures) {
    EXPECT_LE(figure.interval.low, figure.interval.value) << figure.name;
    EXPECT_GE(figure.interval.high, figure.interval.value) << figure.name;
  }
}

TEST(TaskFigures, OfRelationsCountAWrongDirectionAsWrong) {
  Task task{.description = {.metrics = {"relation_f1"}, .not_counted = {"Other"}, .relation_until = "("},
            .labels = {"Cause(e1,e2)", "Other", "Cause(e2,e1)", "Part(e1,e2)"}};
  for (const int64_t label : {0, 2, 0, 1, 3}) task.test.rows.push_back({.label = label});
  const Predictions run = {says(0, 1, 4), says(0, 1, 4), says(0, 1, 4), says(3, 1, 4), says(3, 1, 4)};
  const auto figures = task_figures(task, task.test, {&run, 1}, kQuick);
  // Cause: 2 right of 3 and of 3 predicted; Part: 1 right of 1, 2 predicted.
  EXPECT_NEAR(figures[0].interval.value, (2.0 / 3 + 2.0 / 3) / 2, 1e-12);
}

TEST(TaskFigures, OfSeveralRunsAreTheirMeanWithEachRunBeside) {
  const Task task = two_classes({1, 0}, {"accuracy"});
  const Predictions right = {says(1, 1), says(0, 1)}, half = {says(1, 1), says(1, 1)};
  const std::vector<Predictions> runs = {right, half};
  const auto figures = task_figures(task, task.test, runs, kQuick);
  EXPECT_EQ(figures[0].interval.value, 0.75);
  EXPECT_EQ(figures[0].runs, (std::vector<double>{1, 0.5}));
}

TEST(TaskFigures, LeaveOutRowsWithoutALabelAndRefuseOthersThanTheRows) {
  const Task task = two_classes({1, -1, 0}, {"accuracy"});
  const Predictions run = {says(1, 1), says(1, 1), says(1, 1)}, few = {says(1, 1)};
  EXPECT_EQ(task_figures(task, task.test, {&run, 1}, kQuick)[0].interval.value, 0.5);
  EXPECT_THROW(task_figures(task, task.test, {&few, 1}, kQuick), Error);
  EXPECT_THROW(task_figures(task, task.test, {}, kQuick), Error);
  const Task none = two_classes({-1}, {"accuracy"});
  EXPECT_THROW(task_figures(none, none.test, {&few, 1}, kQuick), UserError);
}

TEST(TaskFigures, OfScoresAreCorrelations) {
  Task task{.description = {.kind = TaskKind::kScore, .metrics = {"pearson", "spearman", "mean_squared_error"}}};
  Predictions run;
  for (const double score : {1.0, 2.0, 3.0, std::numeric_limits<double>::quiet_NaN()}) {
    task.test.rows.push_back({.score = score});
    run.push_back({.score = 2 * (std::isnan(score) ? 9 : score)});
  }
  const auto figures = task_figures(task, task.test, {&run, 1}, kQuick);
  EXPECT_NEAR(named(figures, "pearson").interval.value, 1, 1e-12);
  EXPECT_NEAR(named(figures, "spearman").interval.value, 1, 1e-12);
  EXPECT_NEAR(named(figures, "mean_squared_error").interval.value, 14.0 / 3, 1e-12);
}

// Two questions: the right answer first, and second of two; a third without a right one is not counted.
TEST(TaskFigures, OfRankingAreMeansOverQuestions) {
  Task task = two_classes({1, 0, 1, 0, 0}, {"map", "mrr"});
  const std::vector<int64_t> groups = {0, 0, 1, 1, 2};
  for (std::size_t i = 0; i < groups.size(); ++i) task.test.rows[i].group = groups[i];
  const Predictions run = {says(1, 0.9), says(1, 0.6), says(0, 0.9), says(1, 0.7), says(1, 0.9)};
  const auto figures = task_figures(task, task.test, {&run, 1}, kQuick);
  EXPECT_NEAR(named(figures, "map").interval.value, 0.75, 1e-12);
  EXPECT_NEAR(named(figures, "mrr").interval.value, 0.75, 1e-12);
}

TEST(TaskFigures, OfTagsCountEntitiesAndWordsThatWereCutOff) {
  Task task{.description = {.kind = TaskKind::kTags}, .labels = {"O", "B-X", "I-X"}};
  task.test.rows = {{.words = {"a", "b", "c"}, .tags = {1, 2, 0}}, {.words = {"d", "e"}, .tags = {0, 1}}};
  const Predictions run = {{.tags = {1, 2, 0}}, {.tags = {0, -1}}};
  const auto figures = task_figures(task, task.test, {&run, 1}, kQuick);
  EXPECT_NEAR(named(figures, "entity_f1").interval.value, 2.0 / 3, 1e-12);
  EXPECT_NEAR(named(figures, "token_accuracy").interval.value, 0.8, 1e-12);
}

TEST(TaskFigures, OfSpansCompareTexts) {
  Task task{.description = {.kind = TaskKind::kSpan}};
  task.test.rows = {{.answers = {{.text = "the film"}}}, {}};
  const Predictions run = {{.answer = "film"}, {.answer = "x"}};
  const auto figures = task_figures(task, task.test, {&run, 1}, kQuick);
  EXPECT_EQ(named(figures, "exact_match").interval.value, 0.5);
  EXPECT_EQ(named(figures, "span_f1").interval.value, 0.5);
}

TEST(TaskMetric, IsTheFigureOfARun) {
  const Task task = two_classes({1, 0}, {});
  EXPECT_EQ(task_metric("accuracy", task, task.test, {says(1, 1), says(1, 1)}), 0.5);
  EXPECT_FALSE(larger_is_better("calibration_error"));
  EXPECT_TRUE(larger_is_better("matthews"));
}

TEST(CompareTasks, TestsTheSameRowsByPairs) {
  std::vector<int64_t> labels(60, 1);
  const Task task = two_classes(labels, {"accuracy", "macro_f1"});
  Predictions good, bad;
  for (int i = 0; i < 60; ++i) good.push_back(says(i < 55, 0.9)), bad.push_back(says(i < 40, 0.9));
  const auto comparisons = compare_tasks(task, task.test, {&good, 1}, {&bad, 1}, kQuick);
  EXPECT_NEAR(comparisons[0].comparison.difference.value, 0.25, 1e-12);
  EXPECT_NEAR(*comparisons[0].mcnemar, 2.0 / 32768, 1e-12) << "15 rows that only one has right: 2 · 2^-15";
  EXPECT_LT(*comparisons[0].permutation, 0.001);
  EXPECT_LT(comparisons[0].comparison.p_value, 0.05);
  EXPECT_FALSE(comparisons[1].mcnemar || comparisons[1].permutation) << "no mean over rows";
  const auto same = compare_tasks(task, task.test, {&good, 1}, {&good, 1}, kQuick);
  EXPECT_EQ(*same[0].mcnemar, 1);
  EXPECT_EQ(same[0].comparison.p_value, 1);
}

TEST(CompareTasks, DoesNotExchangeSingleRowsOfAGroup) {
  Task task = two_classes({1, 0, 1}, {"accuracy"});
  for (std::size_t i = 0; i < 3; ++i) task.test.rows[i].group = static_cast<int64_t>(i / 2);
  const Predictions run = {says(1, 1), says(0, 1), says(0, 1)};
  EXPECT_FALSE(compare_tasks(task, task.test, {&run, 1}, {&run, 1}, kQuick)[0].permutation);
}

TEST(PositiveLabel, IsTheSecondOrTheOneThatIsNamed) {
  Task task = two_classes({}, {});
  EXPECT_EQ(positive_label(task), 1);
  task.description.positive = "no";
  EXPECT_EQ(positive_label(task), 0);
  task.description.positive = "maybe";
  EXPECT_THROW(positive_label(task), UserError);
}

TEST(RightRows, AreOneWhereTheLabelIsRight) {
  const Task task = two_classes({1, 0, -1}, {});
  EXPECT_EQ(right_rows(task.test, {says(1, 1), says(1, 1), says(0, 1)}), (std::vector<double>{1, 0, 0}));
}

}  // namespace
}  // namespace limbeck::evaluation
