#include "base/records.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck {
namespace {

class Records : public testing::Test {
 protected:
  // "line: row" of every row of a file of this name and content.
  std::vector<std::string> rows(const std::string& name, const std::string& content,
                                const RecordOptions& options = {}) {
    write_file_atomically(folder_ / name, content);
    std::vector<std::string> rows;
    read_records(
        folder_ / name,
        [&](const Json& row, int64_t line) { rows.push_back(fmt::format("{}: {}", line, to_line(row))); }, options);
    return rows;
  }
  std::string error(const std::string& name, const std::string& content, const RecordOptions& options = {}) {
    return message_of<UserError>([&] { rows(name, content, options); });
  }
  TemporaryFolder folder_;
};

using Lines = std::vector<std::string>;

TEST_F(Records, AreTheSameFromEveryKindOfFile) {
  const Lines expected = {R"(2: {"id":"a","question":"How, many?","answer":12})",
                          R"(3: {"id":"b","question":"12","answer":-0.5})"};
  const RecordOptions numbers{.numbers = {"answer"}};
  const std::string csv = "id,question,answer\na,\"How, many?\",12\nb,12,-0.5\n";
  EXPECT_EQ(rows("p.csv", csv, numbers), expected);
  EXPECT_EQ(rows("p.CSV", csv, numbers), expected);
  EXPECT_EQ(rows("p.tsv", "id\tquestion\tanswer\na\tHow, many?\t12\nb\t12\t-0.5\n", numbers), expected);
  EXPECT_EQ(rows("p.jsonl",
                 "\n{\"id\":\"a\",\"question\":\"How, many?\",\"answer\":12}\n"
                 "{\"id\":\"b\",\"question\":\"12\",\"answer\":-0.5}\n"),
            expected);
  std::string compressed(ZSTD_compressBound(csv.size()), '\0');
  compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), csv.data(), csv.size(), 1));
  EXPECT_EQ(rows("p.csv.zst", compressed, numbers), expected);
}

TEST_F(Records, OfPlainTextAreItsLines) {
  EXPECT_EQ(rows("t.txt", "one\r\n\n \ntwo, \"three\""),
            (Lines{R"(1: {"text":"one"})", R"(4: {"text":"two, \"three\""})"}));
}

TEST_F(Records, LeaveOutAnEmptyNumberAndReadSigns) {
  EXPECT_EQ(rows("p.csv", "a,b\n,\n+3,\n1e3,x\n", {.numbers = {"a"}}),
            (Lines{R"(2: {"b":""})", R"(3: {"a":3,"b":""})", R"(4: {"a":1000.0,"b":"x"})"}));
}

TEST_F(Records, NameTheLineAndTheFieldOfAMistake) {
  const RecordOptions numbers{.numbers = {"answer"}};
  EXPECT_NE(error("p.csv", "id,answer\na,12\nb,1x\n", numbers)
                .find("p.csv:3] field 'answer': expected a number but received '1x'"),
            std::string::npos);
  for (const char* bad : {"nan", "inf", "1e999", "1,5", "0x10"})
    EXPECT_NE(error("p.csv", fmt::format("id,answer\na,\"{}\"\n", bad), numbers).find("expected a number"),
              std::string::npos)
        << bad;
  EXPECT_NE(error("p.csv", "id,answer\na\n").find("p.csv:2] expected 2 fields as the first line has but received 1"),
            std::string::npos);
  EXPECT_NE(error("p.csv", "id,id\n").find("'id' twice"), std::string::npos);
  EXPECT_NE(error("p.csv", "id,\na,b\n").find("none for field 2"), std::string::npos);
  EXPECT_NE(error("p.jsonl", "{}\n[]\n").find("p.jsonl:2]"), std::string::npos);
}

TEST_F(Records, OfParquetAreRefusedWithAWayOut) {
  EXPECT_NE(error("p.parquet", "PAR1").find("to_json"), std::string::npos);
  EXPECT_NE(error("p.jsonl", "PAR1\x15\x04").find("Parquet"), std::string::npos);
}

TEST_F(Records, OfCsvWithoutAHeaderLineHaveTheFieldsThatTheOptionsName) {
  EXPECT_EQ(rows("p.data", "\"1\",\"a, b\"\n2,c\n", {.kind = RecordKind::kCsv, .fields = {"label", "text"}}),
            (Lines{R"(1: {"label":"1","text":"a, b"})", R"(2: {"label":"2","text":"c"})"}));
  EXPECT_NE(error("p.csv", "1,2,3\n", {.fields = {"label", "text"}})
                .find("p.csv:1] expected 2 fields as `fields` names but received 3"),
            std::string::npos);
}

TEST_F(Records, TakeQuotationMarksAsTheyStandWhereAsked) {
  EXPECT_EQ(rows("p.tsv", "a\tb\r\nsay \"no\"\t\"\r\n\r\n\tx\n", {.quotes = false}),
            (Lines{R"(2: {"a":"say \"no\"","b":"\""})", R"(4: {"a":"","b":"x"})"}));
}

TEST_F(Records, BringLatin1ToUtf8AndPassOverAByteOrderMark) {
  EXPECT_EQ(rows("t.txt", "caf\xe9 \xbd\n", {.encoding = TextEncoding::kLatin1}), (Lines{R"(1: {"text":"café ½"})"}));
  EXPECT_EQ(rows("t.txt", "\xef\xbb\xbfone\n"), (Lines{R"(1: {"text":"one"})"}));
}

}  // namespace
}  // namespace limbeck
