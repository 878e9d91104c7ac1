#include "recipes/task_report.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "recipes/made_up_task.h"
#include "recipes/well_formed.h"

namespace limbeck::recipes {
namespace {

class TaskReport : public testing::Test {
 protected:
  const TemporaryFolder folder_;
  const limbeck::Run run_ = limbeck::Run::open(folder_ / "run", "fine-tune", "", {}, Seed(1));
  const OpenTask task_ = made_up_task();
  TaskResult result_ = made_up_task_result();
};

TEST_F(TaskReport, IsAWellFormedPageWithEveryPart) {
  const std::string page = task_report(result_, figures_of(result_, task_), task_, run_);
  EXPECT_EQ(fault_of_html(page), "");
  for (const char* part :
       {"made &lt;up&gt;", "The arms", "Calibration", "What is taken for what: tuned arm", "The most certain mistakes",
        "row &amp; 9", "1 of 11 rows left out", "Quality, time and size", "tuned arm less each other arm"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

TEST_F(TaskReport, OfScoresHasNoPartOfClasses) {
  OpenTask task = task_;
  task.data.description = {.name = "scores", .kind = data::TaskKind::kScore, .metrics = {"mean_squared_error"}};
  for (auto& row : task.data.test.rows) row.score = static_cast<double>(row.label);
  const std::string page = task_report(result_, figures_of(result_, task), task, run_);
  EXPECT_EQ(fault_of_html(page), "");
  EXPECT_EQ(page.find("Calibration"), std::string::npos);
}

TEST_F(TaskReport, AndTablesAreWritten) {
  write_task_results(result_, task_, run_);
  EXPECT_TRUE(read_file(run_.path("table.md")).starts_with("| arm | accuracy % |"));
  EXPECT_EQ(read_json(run_.path("table.json"))["arms"].size(), 2u);
  EXPECT_TRUE(std::filesystem::exists(run_.path("report.html")));
}

TEST_F(TaskReport, LinksTheModelOfTheFirstRun) {
  std::filesystem::create_directories(run_.path("arms/tuned/model"));
  write_file_atomically(run_.path("arms/tuned/model/config.json"), "{}");
  TaskArm arm = result_.arms[1];
  arm.folders = {run_.path("arms/tuned")};
  link_model(arm, run_);
  link_model(arm, run_);
  EXPECT_EQ(read_file(run_.path("model/config.json")), "{}");
}

}  // namespace
}  // namespace limbeck::recipes
