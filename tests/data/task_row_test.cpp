#include "data/task_row.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"

namespace limbeck::data {
namespace {

std::string refused(const Json& json, const TaskDescription& task) {
  return message_of<UserError>([&] { read_row(json, "f:7", task); });
}

TEST(ReadRow, JoinsFieldsAndReadsLabelsUpToAMark) {
  const TaskDescription task{.text = {"title", "body"}, .label = "label", .label_until = ":"};
  const RawRow raw = read_row({{"title", "a"}, {"body", "b"}, {"label", " NUM:date "}}, "f:7", task);
  EXPECT_EQ(raw.row.first, "a b");
  EXPECT_EQ(raw.labels, std::vector<std::string>{"NUM"});
  EXPECT_FALSE(raw.empty_text || raw.missing_label);
}

TEST(ReadRow, MarksAnEmptyTextOfEitherSideAndAMissingLabel) {
  const TaskDescription task{.text = {"a"}, .pair = {"b"}, .label = "y"};
  EXPECT_TRUE(read_row({{"a", "x"}, {"b", " \n"}, {"y", "1"}}, "f:7", task).empty_text);
  EXPECT_TRUE(read_row({{"a", ""}, {"b", "x"}, {"y", "1"}}, "f:7", task).empty_text);
  EXPECT_TRUE(read_row({{"a", "x"}, {"b", "x"}, {"y", nullptr}}, "f:7", task).missing_label);
  EXPECT_FALSE(read_row({{"a", "x"}, {"b", "x"}}, "f:7", task, RowLabels::kLeave).missing_label);
}

TEST(ReadRow, ReadsScoresAndMarksThoseOutOfRange) {
  const TaskDescription task{.kind = TaskKind::kScore, .text = {"a"}, .label = "y", .low = 0, .high = 5};
  EXPECT_EQ(read_row({{"a", "x"}, {"y", "+3.25"}}, "f:7", task).row.score, 3.25);
  EXPECT_FALSE(read_row({{"a", "x"}, {"y", 5}}, "f:7", task).score_out_of_range);
  EXPECT_TRUE(read_row({{"a", "x"}, {"y", 5.1}}, "f:7", task).score_out_of_range);
  EXPECT_TRUE(read_row({{"a", "x"}, {"y", ""}}, "f:7", task).missing_label);
  EXPECT_TRUE(std::isnan(read_row({{"a", "x"}}, "f:7", task, RowLabels::kLeave).row.score));
  EXPECT_EQ(refused({{"a", "x"}, {"y", "high"}}, task), "[f:7] field 'y': expected a number but received 'high'");
  EXPECT_EQ(refused({{"a", "x"}, {"y", "nan"}}, task), "[f:7] field 'y': expected a number but received 'nan'");
}

TEST(ReadRow, RefusesTagsThatAreNotAsManyAsTheWords) {
  const TaskDescription task{.kind = TaskKind::kTags, .text = {"words"}, .label = "tags"};
  EXPECT_EQ(read_row({{"words", {"a", "b"}}, {"tags", "O O"}}, "f:7", task).labels.size(), 2u);
  EXPECT_EQ(refused({{"words", {"a", "b", "c"}}, {"tags", {"O", "O"}}}, task),
            "[f:7] expected a tag for each of 3 words but received 2 tags");
}

TEST(ReadRow, ReadsChoicesOfFieldsAndOfAListByLabelOrPlace) {
  const TaskDescription fields{.kind = TaskKind::kChoice, .text = {"q"}, .label = "y", .choices = {"c0", "c1"}};
  const RawRow raw = read_row({{"q", "x"}, {"c0", "a"}, {"c1", "b"}, {"y", 1}}, "f:7", fields);
  EXPECT_EQ(raw.row.choices, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(raw.row.label, 1);
  EXPECT_NE(refused({{"q", "x"}, {"c0", "a"}, {"c1", "b"}, {"y", 2}}, fields)
                .find("one of 2 choices, counted from 0 or by field,"),
            std::string::npos);
  EXPECT_EQ(read_row({{"q", "x"}, {"c0", "a"}, {"c1", "b"}, {"y", "c1"}}, "f:7", fields).row.label, 1);
  const TaskDescription list{.kind = TaskKind::kChoice, .text = {"q.stem"}, .label = "key", .choices = {"q.choices"}};
  const Json choices = {{{"label", "A"}, {"text", "u"}}, {{"label", "B"}, {"text", "v"}}};
  EXPECT_EQ(read_row({{"q", {{"stem", "x"}, {"choices", choices}}}, {"key", "B"}}, "f:7", list).row.label, 1);
  EXPECT_NE(refused({{"q", {{"stem", "x"}, {"choices", choices}}}, {"key", "C"}}, list).find("received 'C'"),
            std::string::npos);
}

TEST(ReadRow, FindsAnswersByCharactersAndRefusesThoseThatDoNotStandThere) {
  const TaskDescription task{.kind = TaskKind::kSpan, .text = {"q"}, .pair = {"c"}, .label = "answers"};
  const Json row = {
      {"q", "who"}, {"c", "Zoë met Bob"}, {"answers", {{"text", {"met", "Bob"}}, {"answer_start", {4, 8}}}}};
  const RawRow raw = read_row(row, "f:7", task);
  ASSERT_EQ(raw.row.answers.size(), 2u);
  EXPECT_EQ(raw.row.answers[0].begin, 5) << "bytes";
  EXPECT_EQ(raw.row.answers[1].text, "Bob");
  Json wrong = row;
  wrong["answers"]["answer_start"] = {3, 8};
  EXPECT_NE(refused(wrong, task).find("'met' at character 3 of the text but it does not stand there"),
            std::string::npos);
  wrong["answers"]["answer_start"] = {4, 80};
  EXPECT_NE(refused(wrong, task).find("does not stand there"), std::string::npos);
  wrong["answers"] = "Bobby";
  EXPECT_NE(refused(wrong, task).find("'Bobby' in the text but it does not stand there"), std::string::npos);
  wrong["answers"] = Json::array();
  EXPECT_TRUE(read_row(wrong, "f:7", task).row.answers.empty());
}

}  // namespace
}  // namespace limbeck::data
