#include "evaluation/predictions.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck::evaluation {
namespace {

using data::Task;
using data::TaskKind;

class PredictionsFile : public testing::Test {
 protected:
  // Written and read again.
  Predictions again(const Task& task, const Predictions& predictions) {
    write_predictions(folder_ / "p.jsonl", task, task.test, predictions);
    return read_predictions(folder_ / "p.jsonl", task, task.test);
  }
  std::string refused(const Task& task, const std::string& content) {
    write_file_atomically(folder_ / "p.jsonl", content);
    return message_of<UserError>([&] { read_predictions(folder_ / "p.jsonl", task, task.test); });
  }
  TemporaryFolder folder_;
  const Task classes_{
      .description = {},
      .labels = {"no", "yes"},
      .test = {.name = "test",
               .rows = {{.label = 1, .where = "/a/test.csv:2", .id = "q7"}, {.where = "/a/test.csv:3"}}}};
};

TEST_F(PredictionsFile, KeepsClassesWithTheirProbabilities) {
  const Predictions run = {{.probabilities = {0.25, 0.75}, .label = 1}, {.probabilities = {0.9, 0.1}, .label = 0}};
  const auto read = again(classes_, run);
  EXPECT_EQ(read_file(folder_ / "p.jsonl"),
            "{\"row\":\"test.csv:2\",\"id\":\"q7\",\"gold\":\"yes\",\"label\":\"yes\",\"probabilities\":{\"no\":0.25,"
            "\"yes\":0.75}}\n"
            "{\"row\":\"test.csv:3\",\"label\":\"no\",\"probabilities\":{\"no\":0.9,\"yes\":0.1}}\n");
  EXPECT_EQ(read[0].label, 1);
  EXPECT_EQ(read[1].probabilities, (std::vector<double>{0.9, 0.1}));
}

TEST_F(PredictionsFile, KeepsWhatEveryOtherKindSays) {
  Task task{.description = {.kind = TaskKind::kScore},
            .test = {.name = "test", .rows = {{.score = 3.2, .where = "f:1"}}}};
  EXPECT_EQ(again(task, {{.score = 2.9}})[0].score, 2.9);
  task.description.kind = TaskKind::kChoice;
  task.test.rows = {{.choices = {"a", "b", "c"}, .label = 2, .where = "f:1"}};
  EXPECT_EQ(again(task, {{.probabilities = {0.1, 0.2, 0.7}, .label = 2}})[0].probabilities.size(), 3u);
  task.description.kind = TaskKind::kTags;
  task.labels = {"O", "B-X"};
  task.test.rows = {{.words = {"a", "b"}, .tags = {0, 1}, .where = "f:1"}};
  EXPECT_EQ(again(task, {{.tags = {1, -1}}})[0].tags, (std::vector<int64_t>{1, -1}));
  task.description.kind = TaskKind::kSpan;
  task.test.rows = {{.answers = {{.text = "x"}}, .where = "f:1"}};
  EXPECT_EQ(again(task, {{.answer = "y"}})[0].answer, "y");
}

TEST_F(PredictionsFile, OfOtherDataIsRefused) {
  const std::string first = R"({"row":"test.csv:2","gold":"yes","label":"yes","probabilities":{"no":0,"yes":1}})";
  EXPECT_NE(refused(classes_, first + "\n").find("expected the 2 rows of test but received 1"), std::string::npos);
  EXPECT_NE(refused(classes_, first + "\n" + first + "\n").find("are these the same data?"), std::string::npos);
  EXPECT_NE(
      refused(classes_, R"({"row":"test.csv:2","gold":"no","label":"yes","probabilities":{}})").find("same data?"),
      std::string::npos);
  EXPECT_NE(refused(classes_, R"({"row":"test.csv:2","label":"maybe","probabilities":{}})").find("received 'maybe'"),
            std::string::npos);
  EXPECT_NE(refused(classes_, R"({"row":"test.csv:2","label":"yes","probabilities":[1]})").find("'probabilities'"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck::evaluation
