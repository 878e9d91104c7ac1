#include "data/task_rows.h"

#include <gtest/gtest.h>

#include <set>

#include "base/message_of.h"
#include "data/task_files.h"

namespace limbeck::data {
namespace {

class TaskRows : public testing::Test {
 protected:
  std::string refused(const std::string& toml, const std::vector<std::string>& model_labels = {}) {
    return message_of<UserError>([&] { files_.read(toml, model_labels); });
  }
  TaskFiles files_;
};

const std::string kHead = "train = [\"train.csv\"]\ntext = [\"t\"]\nlabel = \"y\"\n";

TEST_F(TaskRows, TakeLabelsFromTheTrainingRowsNumbersByTheirSize) {
  files_.write("train.csv", "t,y\na,10\nb,9\nc,10\n");
  const Task task = files_.read(kHead);
  EXPECT_EQ(task.labels, (std::vector<std::string>{"9", "10"}));
  EXPECT_EQ(task.train.rows[0].label, 1);
  EXPECT_EQ(task.train.rows[1].label, 0);
  EXPECT_TRUE(task.notes.empty());
}

TEST_F(TaskRows, ReadNamesByTheValuesThatFilesSpell) {
  files_.write("train.csv", "t,y\na,1\nb,0\n");
  const Task task = files_.read(kHead + "labels = [\"bad\", \"good\"]\nvalues = [\"0\", \"1\"]\n");
  EXPECT_EQ(task.labels, (std::vector<std::string>{"bad", "good"}));
  EXPECT_EQ(task.train.rows[0].label, 1);
}

TEST_F(TaskRows, TakeTheOrderOfAModelAndRefuseItsLabelsWhereTheyDisagree) {
  files_.write("train.csv", "t,y\na,x\nb,y\n");
  EXPECT_EQ(files_.read(kHead, {"y", "x"}).train.rows[0].label, 1);
  EXPECT_EQ(files_.read(kHead, {"LABEL_0", "LABEL_1"}).labels, (std::vector<std::string>{"x", "y"}));
  const std::string text = refused(kHead + "labels = [\"x\", \"y\"]\n", {"x", "z"});
  EXPECT_NE(text.find("the model has 2 (only there: z), the other 2 (only there: y)"), std::string::npos) << text;
}

TEST_F(TaskRows, NameEveryRowWithALabelThatIsNoneOrCountIt) {
  files_.write("train.csv", "t,y\na,x\nb,y\n");
  files_.write("test.csv", "t,y\na,x\nb,z\nc,xx\n");
  const std::string toml = kHead + "test = [\"test.csv\"]\n", text = refused(toml);
  EXPECT_NE(text.find("test.csv:3] field 'y': expected one of 2 labels (x, y) but received 'z'"), std::string::npos)
      << text;
  EXPECT_NE(text.find("test.csv:4]"), std::string::npos) << text;
  const Task task = files_.read(toml + "unknown_label = \"skip\"\n");
  EXPECT_EQ(task.test.rows.size(), 1u);
  EXPECT_EQ(task.test.unknown_label, 2);
  EXPECT_NE(task.notes.front().find("test: 2 of 3 rows left out, with a label that is none of the task's"),
            std::string::npos);
}

TEST_F(TaskRows, SayWhichLabelWasNeverSeenInTraining) {
  files_.write("train.csv", "t,y\na,x\nb,y\n");
  files_.write("test.csv", "t,y\nc,z\nd,z\n");
  const Task task = files_.read(kHead + "test = [\"test.csv\"]\nlabels = [\"x\", \"y\", \"z\"]\n");
  ASSERT_EQ(task.notes.size(), 1u);
  EXPECT_NE(task.notes[0].find("the label 'z' (2 times) was never seen in training"), std::string::npos);
}

TEST_F(TaskRows, RefuseOrCountEmptyTextsAndScoresOutOfRange) {
  files_.write("train.csv", "t,y\n,1\nb,0\nc,7\nd,\ne,5\n");
  const std::string toml = kHead + "kind = \"score\"\nlow = 0\nhigh = 5\n", text = refused(toml);
  EXPECT_NE(text.find("train.csv:2] expected a text in t but it is empty; empty_text = \"skip\""), std::string::npos)
      << text;
  EXPECT_NE(text.find("train.csv:4] field 'y': expected a score between 0 and 5 but received 7"), std::string::npos)
      << text;
  EXPECT_NE(text.find("train.csv:5] field 'y': expected a label but it is empty"), std::string::npos) << text;
  const Task task =
      files_.read(toml + "empty_text = \"skip\"\nmissing_label = \"skip\"\nscore_out_of_range = \"skip\"\n");
  EXPECT_EQ(task.train.rows.size(), 2u);
  EXPECT_EQ(task.train.num_left_out(), 3);
  EXPECT_EQ(task.notes.size(), 3u);
}

TEST_F(TaskRows, StopAtTenBadRows) {
  std::string csv = "t,y\n";
  for (int i = 0; i < 30; ++i) csv += ",1\n";
  files_.write("train.csv", csv);
  EXPECT_EQ(message_of<UserErrors>([&] { files_.read(kHead); }).find("train.csv:12]"), std::string::npos);
}

TEST_F(TaskRows, SplitBySeedWithGroupsWhole) {
  std::string csv = "t,y,q\n";
  for (int i = 0; i < 200; ++i)
    csv += "text " + std::to_string(i) + "," + std::to_string(i % 2) + ",q" + std::to_string(i / 5) + "\n";
  files_.write("train.csv", csv);
  const std::string toml = kHead + "group = \"q\"\ndev_fraction = 0.2\ntest_fraction = 0.3\n";
  const Task task = files_.read(toml), again = files_.read(toml), other = files_.read(toml + "split_seed = 2\n");
  EXPECT_EQ(task.test.rows.size(), 60u);
  EXPECT_EQ(task.dev.rows.size(), 40u);
  EXPECT_EQ(task.train.rows.size(), 100u);
  const auto wheres = [](const TaskSplit& split) {
    std::set<std::string> list;
    for (const TaskRow& row : split.rows) list.insert(row.where);
    return list;
  };
  EXPECT_EQ(wheres(task.test), wheres(again.test));
  EXPECT_NE(wheres(task.test), wheres(other.test));
  std::map<int64_t, int> sizes;
  for (const TaskRow& row : task.test.rows) ++sizes[row.group];
  EXPECT_EQ(sizes.size(), 12u);
  for (const auto& [group, size] : sizes) EXPECT_EQ(size, 5);
}

TEST_F(TaskRows, SayHowManyTextsAreInBothSplits) {
  files_.write("train.csv", "t,y\na,0\nb,1\n");
  files_.write("test.csv", "t,y\nb,1\nc,0\n");
  const Task task = files_.read(kHead + "test = [\"test.csv\"]\n");
  EXPECT_EQ(task.notes, std::vector<std::string>{"test: 1 of 2 rows have the text of a training row"});
}

TEST_F(TaskRows, RefuseATaskOfOneLabelAndAFileWithoutRows) {
  files_.write("train.csv", "t,y\na,0\n");
  EXPECT_NE(refused(kHead).find("expected at least two labels but received 1: 0"), std::string::npos);
  files_.write("train.csv", "t,y\n");
  EXPECT_NE(refused(kHead + "labels = [\"0\", \"1\"]\n").find("expected at least one row that can be used"),
            std::string::npos);
}

TEST_F(TaskRows, WithoutLabelsAreReadForPrediction) {
  const std::string file = files_.write("new.csv", "t\na\nb\n");
  EXPECT_EQ(read_unlabelled(file, {.text = {"t"}, .label = "y"}).size(), 2u);
  files_.write("new.csv", "id,t\nq7,a\n,b\n");
  const auto named = read_unlabelled(file, {.text = {"t"}});
  EXPECT_EQ(named[0].id, "q7");
  EXPECT_EQ(named[1].id, "");
  files_.write("new.csv", "t,u\na,1\n ,2\n");
  EXPECT_NE(
      message_of<UserError>([&] { read_unlabelled(file, {.text = {"t"}}); }).find("new.csv:3] expected a text in t"),
      std::string::npos);
}

TEST(MatchedLabels, PutOutputsIntoTheOrderOfOthers) {
  EXPECT_EQ(matched_labels({"a", "b", "c"}, {"c", "a", "b"}, "the student"), (std::vector<int64_t>{1, 2, 0}));
  EXPECT_EQ(matched_labels({"a", "b"}, {"LABEL_0", "LABEL_1"}, "the student"), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(message_of<UserError>([] {
              matched_labels({"a", "b"}, {"b", "c", "a"}, "the student");
            }),
            "[labels] expected the same labels on both sides but the student has 2 (only there: none), the other 3 "
            "(only there: c)");
}

}  // namespace
}  // namespace limbeck::data
