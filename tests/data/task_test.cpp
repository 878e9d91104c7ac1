#include "data/task.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/message_of.h"
#include "data/task_files.h"

namespace limbeck::data {
namespace {

class TaskFile : public testing::Test {
 protected:
  TaskFile() { files_.write("train.csv", "sentence,label\na,0\nb,1\n"); }
  std::string errors(const std::string& toml) {
    return message_of<UserErrors>([&] { files_.described(toml); });
  }
  TaskFiles files_;
};

const char* const kPlain = "train = [\"train.csv\"]\ntext = [\"sentence\"]\nlabel = \"label\"\n";

TEST_F(TaskFile, NamesFilesAsSeenFromItself) {
  const TaskDescription task = files_.described(kPlain);
  EXPECT_EQ(task.train, std::vector{files_.path("train.csv")});
  EXPECT_EQ(task.name, "task");
  EXPECT_EQ(task.kind, TaskKind::kClasses);
}

TEST_F(TaskFile, ReportsAllUnknownKeysWithTheNearestNames) {
  const std::string text = errors(std::string(kPlain) + "lable = \"x\"\nmetric = [\"accuracy\"]\nenc = 1\n");
  EXPECT_NE(text.find("there is no option 'lable'; did you mean 'label'?"), std::string::npos) << text;
  EXPECT_NE(text.find("there is no option 'metric'; did you mean 'metrics'?"), std::string::npos) << text;
  EXPECT_NE(text.find("there is no option 'enc'"), std::string::npos) << text;
  EXPECT_NE(text.find("task.toml:4]"), std::string::npos) << text;
}

TEST_F(TaskFile, ReportsAllThatDoesNotFitTogether) {
  const std::string text = errors(
      "kind = \"score\"\ntrain = [\"none.csv\"]\nlow = 5\nhigh = 1\nlabels = [\"a\"]\nmetrics = [\"acuracy\"]\n");
  for (const char* part : {"none.csv', which is not there", "text: expected the field", "label: expected the field",
                           "expected a range but received 5 to 1", "labels: expected none with this kind",
                           "metrics: expected some of pearson, spearman, mean_squared_error but received 'acuracy'"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST_F(TaskFile, RefusesRankingWithoutGroupsAndSharesThatLeaveNothing) {
  const std::string text =
      errors(std::string(kPlain) + "metrics = [\"map\", \"relation_f1\"]\ndev_fraction = 0.5\ntest_fraction = 0.5\n");
  EXPECT_NE(text.find("no field is named as group"), std::string::npos) << text;
  EXPECT_NE(text.find("relation_until does not say where"), std::string::npos) << text;
  EXPECT_NE(text.find("expected less than 1 together"), std::string::npos) << text;
}

TEST_F(TaskFile, RefusesLabelsThatAreNamedTwiceAndValuesThatAreNotAsMany) {
  const std::string text =
      errors(std::string(kPlain) + "labels = [\"a\", \"b\", \"a\"]\nvalues = [\"0\", \"1\"]\npositive = \"c\"\n");
  EXPECT_NE(text.find("expected each once but received 'a' twice"), std::string::npos) << text;
  EXPECT_NE(text.find("values: expected one for each of 3 labels but received 2"), std::string::npos) << text;
  EXPECT_NE(text.find("positive: expected one of a, b, a but received 'c'"), std::string::npos) << text;
}

TEST_F(TaskFile, ReadsTheNamesOfLabelsFromAFile) {
  files_.write("classes.txt", "World\nSports \r\n");
  const TaskDescription task =
      files_.described(std::string(kPlain) + "labels_file = \"classes.txt\"\nvalues = [\"0\", \"1\"]\n");
  EXPECT_EQ(task.labels, (std::vector<std::string>{"World", "Sports"}));
}

TEST_F(TaskFile, AloneIsReadWithoutItsData) {
  const std::string file = files_.write("task.toml", "kind = \"score\"\ntrain = [\"none.csv\"]\n");
  EXPECT_EQ(read_task_file(file).kind, TaskKind::kScore);
}

TEST_F(TaskFile, IsNotNeededForFilesOfOnesOwn) {
  const TaskDescription task =
      describe_task({.data = {files_.path("train.csv")}, .text = {"sentence"}, .label = "label"});
  EXPECT_EQ(task.name, "train");
  const TaskDescription measured =
      describe_task({.test = {files_.path("train.csv")}, .text = {"sentence"}, .label = "label"});
  EXPECT_EQ(measured.name, "train") << "eval has no training rows";
  EXPECT_EQ(task.text, std::vector<std::string>{"sentence"});
  const std::string text = message_of<UserErrors>([] { describe_task({.kind = "clases"}); });
  EXPECT_NE(text.find("kind: expected classes, score, tags, span or choice but received 'clases'"), std::string::npos);
}

TEST_F(TaskFile, GivesWayToOptionsOfScoresAndBadRows) {
  files_.write("sts.csv", "a,b,score\nx,y,4\n,y,3\nx,y,6\n");
  TaskOptions options{
      .data = {files_.path("sts.csv")}, .text = {"a"}, .pair = {"b"}, .kind = "score", .label = "score"};
  EXPECT_NE(message_of<UserErrors>([&] { read_task(describe_task(options)); }).find("or the option bad_rows"),
            std::string::npos);
  options.score_range = {0, 5};
  options.bad_rows = FaultyRows::kSkip;
  const Task task = read_task(describe_task(options));
  EXPECT_EQ(task.train.rows.size(), 1u);
  EXPECT_EQ(task.train.empty_text, 1);
  EXPECT_EQ(task.train.score_out_of_range, 1);
  const std::string file = files_.write("skips.toml", std::string(kPlain) + "empty_text = \"skip\"\n");
  EXPECT_EQ(describe_task({.task = file}).empty_text, Faulty::kSkip);
  EXPECT_EQ(describe_task({.task = file, .bad_rows = FaultyRows::kRefuse}).empty_text, Faulty::kRefuse);
  options.score_range = {5};
  EXPECT_NE(message_of<UserErrors>([&] { describe_task(options); }).find("received 1 numbers"), std::string::npos);
}

TEST_F(TaskFile, AndItsDataAreWhatARunDependsOn) {
  const std::string file = files_.write("task.toml", kPlain);
  const auto inputs = inputs_of({.task = file});
  EXPECT_EQ(inputs, (std::vector<std::filesystem::path>{file, files_.path("train.csv")}));
}

// Those that the project ships read their data where it is.
TEST(TaskFiles, OfTheProjectReadRealDataWhereItIs) {
  const std::filesystem::path folder = std::filesystem::path(LIMBECK_SOURCE_DIR) / "configs/tasks";
  if (!std::filesystem::exists(folder / "../../../shared/data/sst2")) GTEST_SKIP() << "no data in ../shared/data";
  int64_t num_tasks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".toml") continue;
    const Task task = read_task(describe_task({.task = entry.path().string()}));
    EXPECT_FALSE(task.train.rows.empty()) << entry.path();
    EXPECT_FALSE(task.dev.rows.empty()) << entry.path();
    EXPECT_FALSE(task.test.rows.empty()) << entry.path();
    ++num_tasks;
  }
  EXPECT_EQ(num_tasks, 14);
}

}  // namespace
}  // namespace limbeck::data
