#include "data/rows.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck::data {
namespace {

class ReadRows : public testing::Test {
 protected:
  std::vector<Row> read(const std::string& lines) {
    write_file_atomically(folder_ / "rows.jsonl", lines);
    return read_rows(folder_ / "rows.jsonl");
  }
  std::string mistake(const std::string& lines) {
    return message_of<UserError>([&] { read(lines); });
  }
  TemporaryFolder folder_;
};

TEST_F(ReadRows, TakesPairsTextsAndMessages) {
  const auto rows = read(
      "{\"prompt\":\"a\",\"completion\":\"b\"}\n\n{\"text\":\"c\",\"id\":7}\n"
      "{\"messages\":[{\"role\":\"user\",\"content\":\"d\"},{\"role\":\"assistant\",\"content\":\"e\"}]}\n");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].segments[0].text, "a");
  EXPECT_FALSE(rows[0].segments[0].learned);
  EXPECT_EQ(rows[0].segments[1].text, "b");
  EXPECT_TRUE(rows[0].segments[1].learned);
  EXPECT_TRUE(rows[1].segments.at(0).learned);
  EXPECT_EQ(rows[1].line, 3);
  EXPECT_EQ(rows[2].messages.at(1).content, "e");
}

TEST_F(ReadRows, NamesEveryBadLine) {
  const std::string text = mistake(
      "{\"text\":\"fine\"}\n{\"prompt\":\"a\"}\n{\"question\":\"a\",\"answer\":1}\n{\"text\":5}\n{\"text\":\"a\","
      "\"prompt\":\"b\"}\n");
  for (const char* part :
       {"rows.jsonl:2", "completion", "rows.jsonl:3", "question, answer", "rows.jsonl:4", "rows.jsonl:5"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in " << text;
  EXPECT_EQ(text.find("rows.jsonl:1]"), std::string::npos);
}

TEST_F(ReadRows, NamesALineThatIsNoJson) {
  EXPECT_NE(mistake("{\"text\":\"a\"}\n{\"text\": oops}\n").find("rows.jsonl:2"), std::string::npos);
}

TEST_F(ReadRows, RefusesAFileWithoutRows) {
  EXPECT_NE(mistake("\n\n").find("at least one row"), std::string::npos);
}

TEST_F(ReadRows, RefusesMessagesThatTeachNothingOrHaveAnUnknownRole) {
  EXPECT_NE(mistake("{\"messages\":[{\"role\":\"user\",\"content\":\"d\"}]}\n").find("assistant"), std::string::npos);
  EXPECT_NE(mistake("{\"messages\":[{\"role\":\"robot\",\"content\":\"d\"}]}\n").find("'robot'"), std::string::npos);
  EXPECT_NE(mistake("{\"messages\":\"hello\"}\n").find("list of messages"), std::string::npos);
}

TEST_F(ReadRows, StopsListingAfterTenMistakes) {
  std::string lines;
  for (int i = 0; i < 50; ++i) lines += "{}\n";
  const std::string text = mistake(lines);
  EXPECT_NE(text.find("rows.jsonl:10"), std::string::npos);
  EXPECT_EQ(text.find("rows.jsonl:11"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::data
