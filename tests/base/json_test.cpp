#include "base/json.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck {
namespace {

std::string json_error(const std::string& text) {
  return message_of<Error>([&] { parse_json(text, "x.json"); });
}

// The message for a JSON Lines file with this content.
std::string jsonl_error(const std::string& content) {
  const TemporaryFolder folder;
  std::ofstream(folder / "rows.jsonl") << content;
  return message_of<UserError>([&] { read_jsonl(folder / "rows.jsonl", [](const Json&, int64_t) {}); });
}

TEST(ParseJson, KeepsTheOrderOfKeysAndEveryKindOfValue) {
  const std::string text = R"({"z":1,"a":[null,true,-2,18446744073709551615,0.5,"ü\n"],"m":{"k":{}}})";
  EXPECT_EQ(to_line(parse_json(text, "x")), text);
}

TEST(ParseJson, NamesLineAndColumnOfAMistake) {
  EXPECT_EQ(json_error("{\n  \"a\": 1,\n  \"b\": oops\n}").substr(0, 12), "[x.json:3:8]");
  EXPECT_NE(json_error("").find("unexpected end of input"), std::string::npos);
  EXPECT_NE(json_error("{} {}").find("expected end of input"), std::string::npos);
}

TEST(ParseJson, RefusesAKeyThatComesTwice) {
  EXPECT_NE(json_error(R"({"a":1,"a":2})").find("'a' twice"), std::string::npos);
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_NE(json_error(many + "\"k3\":1}").find("'k3' twice"), std::string::npos);
}

TEST(ParseJson, SurvivesAMillionOpenBrackets) {
  EXPECT_NE(json_error(std::string(1000000, '[')).find("512 levels"), std::string::npos);
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_NE(json_error(objects).find("512 levels"), std::string::npos);
}

TEST(ParseJson, TakesNestingUpToItsLimit) {
  const std::string deep = std::string(512, '[') + std::string(512, ']');
  EXPECT_EQ(to_line(parse_json(deep, "x")), deep);
}

TEST(ParseJson, ReadsAnObjectOfManyKeys) {
  std::string text = "{";
  for (int i = 0; i < 600000; ++i) text += (i ? ",\"key" : "\"key") + std::to_string(i) + "\":" + std::to_string(i);
  // Comparing each key with all before it would take longer than ctest waits.
  EXPECT_EQ(parse_json(text + "}", "x").size(), 600000u);
}

TEST(ParseJson, NamesInvalidUtf8WithoutRepeatingIt) {
  const std::string message = json_error("{\"a\": \"\xff\xfe\"}");
  EXPECT_NE(message.find("UTF-8"), std::string::npos);
  EXPECT_EQ(message.find('\xff'), std::string::npos);
}

TEST(ReadJson, RefusesASparseFileOfAnySizeByItsSize) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "config.json", "{}");
  std::filesystem::resize_file(folder / "config.json", uint64_t{1} << 30);  // costs nothing on disk
  EXPECT_NE(message_of<UserError>([&] {
              read_json(folder / "config.json");
            }).find("config.json] expected a file of at most 268435456 bytes but received 1073741824"),
            std::string::npos);
}

TEST(WriteJson, ReadsBackEqual) {
  const TemporaryFolder folder;
  const Json value = {{"b", {1, 2.5, "x"}}, {"a", nullptr}};
  write_json(folder / "x.json", value);
  EXPECT_EQ(read_json(folder / "x.json"), value);
  EXPECT_EQ(read_file(folder / "x.json").substr(0, 7), "{\n  \"b\"");
}

TEST(ToLine, ReplacesInvalidUtf8) {
  EXPECT_EQ(to_line({{"a", "x\xffy"}}), "{\"a\":\"x\xef\xbf\xbdy\"}");
}

TEST(ReadJsonl, CallsWithEveryRowAndItsLine) {
  const TemporaryFolder folder;
  std::ofstream(folder / "rows.jsonl") << "{\"a\":1}\r\n\n   \n{\"a\":2}\n{\"a\":3}";
  std::vector<std::pair<int64_t, int64_t>> seen;
  read_jsonl(folder / "rows.jsonl",
             [&](const Json& row, int64_t line) { seen.emplace_back(row["a"].get<int64_t>(), line); });
  EXPECT_EQ(seen, (std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {2, 4}, {3, 5}}));
}

TEST(ReadGrowingJsonl, LeavesOutALineThatIsNotWholeYet) {
  const TemporaryFolder folder;
  const auto rows = [&](const std::string& bytes) {
    std::ofstream(folder / "rows.jsonl") << bytes;
    int64_t count = 0;
    read_growing_jsonl(folder / "rows.jsonl", [&](const Json&, int64_t) { ++count; });
    return count;
  };
  EXPECT_EQ(rows(""), 0);
  EXPECT_EQ(rows("{\"a\":"), 0);
  EXPECT_EQ(rows("{\"a\":1}\n{\"a\""), 1);
  EXPECT_EQ(rows("{\"a\":1}\n{\"a\":2}\n"), 2);
  EXPECT_THROW(rows("{\"a\"\n{\"a\":2}\n"), UserError) << "a whole line that is none";
}

TEST(ReadJsonl, NamesTheLineAndShowsWhatItFound) {
  const std::string torn = jsonl_error("{\"a\":1}\n{\"a\":2, \"b\n{\"a\":3}\n");
  EXPECT_NE(torn.find("rows.jsonl:2] expected a JSON object but received '{\"a\":2, \"b'"), std::string::npos) << torn;
  EXPECT_NE(jsonl_error("{}\n\n[1,2]\n").find("rows.jsonl:3] expected a JSON object but received [1,2]"),
            std::string::npos);
  EXPECT_NE(jsonl_error("12\n").find("rows.jsonl:1] expected a JSON object but received 12"), std::string::npos);
}

TEST(ReadJsonl, ShortensALongLineInItsMessage) {
  const std::string message = jsonl_error("{\"a\": \"" + std::string(5 << 20, 'x') + "\n");
  EXPECT_LT(message.size(), 500u);
  EXPECT_NE(message.find("…"), std::string::npos);
}

TEST(ReadJsonl, CutsWhatItShowsBetweenCharacters) {
  std::string line = "[\"";
  for (int i = 0; i < 100; ++i) line += "é";
  const std::string message = jsonl_error(line + "\"]\n");
  EXPECT_EQ(message.find("\xef\xbf\xbd"), std::string::npos) << message;
}

TEST(ReadJsonl, NamesInvalidUtf8AndZeroBytes) {
  EXPECT_NE(jsonl_error("{\"a\": \"\xc3\x28\"}\n").find("rows.jsonl:1]"), std::string::npos);
  EXPECT_NE(jsonl_error(std::string("{}\n\0\0\n", 6)).find("rows.jsonl:2]"), std::string::npos);
}

TEST(ReadJsonl, ReadsALineOfManyMegabytes) {
  const TemporaryFolder folder;
  std::ofstream(folder / "rows.jsonl") << "{\"a\":\"" << std::string(20 << 20, 'x') << "\"}\n";
  std::size_t size = 0;
  read_jsonl(folder / "rows.jsonl",
             [&](const Json& row, int64_t) { size = row["a"].get_ref<const std::string&>().size(); });
  EXPECT_EQ(size, std::size_t{20} << 20);
}

TEST(Field, ReturnsTheValueOrSaysWhatIsWrongWithIt) {
  const Json row = {{"s", "x"}, {"d", 0.5}, {"i", 3}, {"b", true}};
  EXPECT_EQ(field<std::string>(row, "s", "w"), "x");
  EXPECT_EQ(field<double>(row, "d", "w"), 0.5);
  EXPECT_EQ(field<double>(row, "i", "w"), 3);
  EXPECT_EQ(field<int64_t>(row, "i", "w"), 3);
  EXPECT_EQ(field<bool>(row, "b", "w"), true);
  EXPECT_EQ(message_of<UserError>([&] { field<std::string>(row, "i", "f:7"); }),
            "[f:7] field 'i': expected a string but received 3");
  EXPECT_EQ(message_of<UserError>([&] { field<int64_t>(row, "d", "f:7"); }),
            "[f:7] field 'd': expected a whole number but received 0.5");
  EXPECT_EQ(message_of<UserError>([&] { field<bool>(row, "x", "f:7"); }),
            "[f:7] field 'x': expected true or false but it is not there");
}

TEST(Field, RefusesAWholeNumberThatDoesNotFit) {
  const Json row = parse_json(R"({"i": 18446744073709551615})", "x");
  EXPECT_THROW(field<int64_t>(row, "i", "w"), UserError);
}

}  // namespace
}  // namespace limbeck
