#include "data/task_records.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "data/task_files.h"

namespace limbeck::data {
namespace {

class TaskRecords : public testing::Test {
 protected:
  std::vector<std::string> rows(const std::string& name, const std::string& content, const TaskDescription& task,
                                const std::string& key = "") {
    const std::string file = files_.write(name, content) + key;
    std::vector<std::string> list;
    read_task_records(file, task, [&](const Json& row, const std::string& where) {
      list.push_back(where.substr(where.find(name) + name.size()) + " " + to_line(row));
    });
    return list;
  }
  TaskFiles files_;
};

using Lines = std::vector<std::string>;

TEST_F(TaskRecords, OfLabelFirstLinesAreALabelAndTheRest) {
  EXPECT_EQ(rows("a.train", "0 one  two .\r\n\n1 x \n", {.format = TaskFormat::kLabelFirst}),
            (Lines{R"(:1 {"label":"0","text":"one  two ."})", R"(:3 {"label":"1","text":"x"})"}));
  EXPECT_NE(message_of<UserError>([&] {
              rows("a.train", "0 a\n1\n", {.format = TaskFormat::kLabelFirst});
            }).find("a.train:2] expected a label, a space and a text but received '1'"),
            std::string::npos);
}

TEST_F(TaskRecords, OfColumnsAreTextsBetweenBlankLines) {
  EXPECT_EQ(
      rows("a.conll", "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\nPeter NNP B-PER\n",
           {.format = TaskFormat::kColumns}),
      (Lines{R"(:3 {"words":["EU","rejects"],"tags":["B-ORG","O"]})", R"(:6 {"words":["Peter"],"tags":["B-PER"]})"}));
  EXPECT_NE(
      message_of<UserError>([&] { rows("a.conll", "EU\n", {.format = TaskFormat::kColumns}); }).find("a.conll:1]"),
      std::string::npos);
}

TEST_F(TaskRecords, OfJsonAreAListOrOneInsideAnObject) {
  EXPECT_EQ(rows("a.json", R"([{"text":"x"}])", {}), (Lines{R"([0] {"text":"x"})"}));
  const TaskDescription listed{.fields = {"text", "intent"}};
  EXPECT_EQ(rows("a.json", R"({"train":[["x","y"]],"n":1})", listed, "#train"),
            (Lines{R"(#train[0] {"text":"x","intent":"y"})"}));
  EXPECT_NE(message_of<UserError>([&] {
              rows("a.json", R"({"train":[],"n":1})", listed);
            }).find("write FILE#KEY for one of its lists: train"),
            std::string::npos);
  EXPECT_NE(message_of<UserError>([&] {
              rows("a.json", R"({"train":[["x"]]})", listed, "#train");
            }).find("a list of the 2 items"),
            std::string::npos);
  EXPECT_NE(message_of<UserError>([&] { rows("a.csv", "a\n1\n", {}, "#train"); }).find("expected a JSON file"),
            std::string::npos);
}

TEST_F(TaskRecords, OfSquadsOwnFilesAreItsQuestions) {
  const std::string file = R"({"version": "v2.0", "data": [{"title": "Bob", "paragraphs": [
    {"context": "Zoë met Bob.", "qas": [
      {"id": "q1", "question": "who?", "answers": [{"text": "Zoë", "answer_start": 0}, {"text": "Bob", "answer_start": 8}]},
      {"id": "q2", "question": "when?", "is_impossible": true, "answers": []}]}]},
    {"paragraphs": [{"context": "x", "qas": [{"question": "y?"}]}]}]})";
  const Lines expected = {
      R"(#data[0].paragraphs[0].qas[0] {"question":"who?","context":"Zoë met Bob.","answers":{"text":["Zoë","Bob"],"answer_start":[0,8]},"id":"q1","title":"Bob"})",
      R"(#data[0].paragraphs[0].qas[1] {"question":"when?","context":"Zoë met Bob.","answers":{"text":[],"answer_start":[]},"id":"q2","title":"Bob"})",
      R"(#data[1].paragraphs[0].qas[0] {"question":"y?","context":"x","answers":{"text":[],"answer_start":[]}})"};
  EXPECT_EQ(rows("dev.json", file, {}), expected);
  EXPECT_EQ(rows("dev.json", file, {}, "#data"), expected);
  EXPECT_NE(message_of<UserError>([&] {
              rows("dev.json", R"({"data":[{"paragraphs":[{"context":"x","qas":[{"id":1}]}]}]})", {});
            }).find("paragraphs[0].qas[0]] expected the field 'question'"),
            std::string::npos);
  EXPECT_NE(message_of<UserError>([&] {
              rows("dev.json", R"({"data":[{"paragraphs":7}]})", {});
            }).find("field 'paragraphs': expected a list but received 7"),
            std::string::npos);
}

TEST_F(TaskRecords, FindFieldsInsideObjectsAndSayWhichThereAre) {
  const Json row = {{"question", {{"stem", "why"}}}, {"a.b", 3}, {"flag", true}, {"none", nullptr}};
  EXPECT_EQ(text_at(row, "question.stem", "f:1"), "why");
  EXPECT_EQ(text_at(row, "a.b", "f:1"), "3");
  EXPECT_EQ(text_at(row, "flag", "f:1"), "true");
  EXPECT_EQ(text_at(row, "none", "f:1"), "");
  EXPECT_EQ(message_of<UserError>([&] { text_at(row, "question.sten", "f:1"); }).substr(0, 63),
            "[f:1] expected the field 'question.sten' but the row has: quest");
  EXPECT_NE(message_of<UserError>([&] { text_at(row, "question", "f:1"); }).find("expected a text but received"),
            std::string::npos);
  EXPECT_NE(message_of<UserError>([&] {
              text_at({{"t", "\xe9"}}, "t", "f:1");
            }).find("encoding = \"latin-1\""),
            std::string::npos);
}

TEST_F(TaskRecords, ReadListsAndWordsWithSpacesAlike) {
  EXPECT_EQ(list_at({{"w", {"a b", "c"}}}, "w", "f:1"), (Lines{"a b", "c"}));
  EXPECT_EQ(list_at({{"w", " a b\tc "}}, "w", "f:1"), (Lines{"a", "b", "c"}));
}

}  // namespace
}  // namespace limbeck::data
