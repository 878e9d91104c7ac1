#include "recipes/task_table.h"

#include <gtest/gtest.h>

#include "recipes/made_up_task.h"

namespace limbeck::recipes {
namespace {

TEST(TaskTable, ShowsFiguresSizeAndSpeedOfEachArm) {
  const OpenTask task = made_up_task();
  const TaskResult result = made_up_task_result();
  const Cells cells = task_cells(figures_of(result, task));
  ASSERT_EQ(cells.size(), 3u);
  EXPECT_EQ(cells[0], (std::vector<std::string>{"arm", "accuracy %", "calibration error %", "weights", "trained",
                                                "ms, batch 1", "ms, batch 32"}));
  EXPECT_EQ(cells[2][0], "tuned arm");
  EXPECT_EQ(cells[2][1].substr(0, 5), "90.0 ");
  EXPECT_EQ(cells[2][3], "2.0 M");
  EXPECT_EQ(cells[2][4], "1000");
  EXPECT_EQ(cells[2][5], "2.5");
  EXPECT_EQ(cells[2][6], "0.25");
}

TEST(TaskTable, ComparesTheMainArmWithTheOthersRowByRow) {
  const OpenTask task = made_up_task();
  const TaskResult result = made_up_task_result();
  const auto rows = figures_of(result, task);
  EXPECT_TRUE(rows[1].against_main.empty());
  ASSERT_EQ(rows[0].against_main.size(), 2u);
  EXPECT_NEAR(rows[0].against_main[0].comparison.difference.value, 0.4, 1e-12);
  const Cells cells = comparison_cells(rows);
  EXPECT_EQ(cells[1][0], "plain arm");
  EXPECT_EQ(cells[1][2].substr(0, 5), "+40.0");
  EXPECT_EQ(cells[1][5], "0.125") << "4 rows that only one has right: 2 · 2^-4";
  const Json json = task_json(result, rows, task);
  EXPECT_NEAR(json["arms"][0]["tuned less this"]["accuracy"]["p_mcnemar"].get<double>(), 0.125, 1e-12);
  EXPECT_EQ(json["num_test"], 10);
}

TEST(TaskTable, OfSeveralSeedsShowsTheirMeanAndDeviation) {
  const OpenTask task = made_up_task();
  TaskResult result = made_up_task_result();
  result.arms = {made_up_arm("tuned", 9, 2)};
  const auto rows = figures_of(result, task);
  EXPECT_EQ(task_cells(rows)[1][1].substr(0, 5), "85.0 ");
  EXPECT_NE(task_cells(rows)[1][1].find("±7.1"), std::string::npos);
  EXPECT_TRUE(comparison_cells(rows).empty());
  EXPECT_NE(task_caption(result, task).find("means of 2 seeds"), std::string::npos);
}

TEST(FigureText, IsPerCentButForErrorsThatAreNone) {
  EXPECT_EQ(figure_text("accuracy", 0.9134), "91.3");
  EXPECT_EQ(figure_text("matthews", evaluation::Interval{-0.05, -0.1, 0}), "-5.0 (-10.0 to 0.0)");
  EXPECT_EQ(figure_text("mean_squared_error", 1.2346), "1.235");
  EXPECT_EQ(metric_title("macro_f1"), "macro F1 %");
  EXPECT_EQ(metric_title("mean_squared_error"), "mean squared error");
}

}  // namespace
}  // namespace limbeck::recipes
