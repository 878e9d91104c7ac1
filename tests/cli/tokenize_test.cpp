#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "cli/program.h"
#include "data/byte_tokenizer.h"
#include "models/formula_weights.h"

namespace limbeck {
namespace {

class Tokenize : public testing::Test {
 protected:
  void SetUp() override {
    const auto model = models::small_model({{"vocab_size", 257}, {"eos_token_id", 256}, {"bos_token_id", 256}});
    models::save_pretrained(folder_ / "tiny", *model, *byte_tokenizer());
  }
  Outcome tokenize(const std::string& text, const std::vector<std::string>& more = {}) const {
    write_file_atomically(folder_ / "lines.txt", text);
    std::vector<std::string> args = {"tokenize", "--model=" + (folder_ / "tiny").string(),
                                     "--input=" + (folder_ / "lines.txt").string(),
                                     "--out=" + (folder_ / "ids.jsonl").string()};
    args.insert(args.end(), more.begin(), more.end());
    return run_program(args);
  }
  std::string ids() const { return read_file(folder_ / "ids.jsonl"); }
  TemporaryFolder folder_;
};

TEST_F(Tokenize, WritesOneArrayForEachLine) {
  const auto outcome = tokenize("AB\n\n\nC\r\nlast");
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_EQ(ids(), "[65,66]\n[]\n[]\n[67,13]\n[108,97,115,116]\n");
}

TEST_F(Tokenize, ReadsSpecialTokensUnlessToldThatTheyAreText) {
  EXPECT_EQ(tokenize("a<|end|>\n").code, 0);
  EXPECT_EQ(ids(), "[97,256]\n");
  EXPECT_EQ(tokenize("<|\n", {"--special=text"}).code, 0);
  EXPECT_EQ(ids(), "[60,124]\n");
  EXPECT_EQ(tokenize("<|end|>\n", {"--special=text"}).code, 0);
  EXPECT_EQ(ids(), "[60,124,101,110,100,124,62]\n");
}

TEST_F(Tokenize, WritesAnEmptyFileForAnEmptyText) {
  EXPECT_EQ(tokenize("").code, 0);
  EXPECT_EQ(ids(), "");
}

TEST_F(Tokenize, ReadsTheTextOfEachRowOfJsonLines) {
  const auto rows = [&](const std::string& text) {
    write_file_atomically(folder_ / "rows.jsonl", text);
    return run_program({"tokenize", "--model=" + (folder_ / "tiny").string(),
                        "--input=" + (folder_ / "rows.jsonl").string(), "--out=" + (folder_ / "ids.jsonl").string()});
  };
  EXPECT_EQ(rows("{\"text\": \"A\\nB\"}\n{\"text\": \"\"}\n").code, 0);
  EXPECT_EQ(ids(), "[65,10,66]\n[]\n");
  const auto outcome = rows("{\"question\": 1}\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("rows.jsonl:1"), std::string::npos) << outcome.error;
}

TEST_F(Tokenize, ReplacesInvalidUtf8) {
  EXPECT_EQ(tokenize("\xff\n").code, 0);
  EXPECT_EQ(ids(), "[239,191,189]\n");
}

TEST_F(Tokenize, NamesEveryMistakeAndWritesNothing) {
  const auto outcome =
      run_program({"tokenize", "--model=/no/model", "--input=/no/lines", "--out=" + (folder_ / "x").string()});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("/no/model"), std::string::npos);
  EXPECT_NE(outcome.error.find("/no/lines"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x"));
  EXPECT_EQ(run_program({"tokenize", "--model=" + (folder_ / "tiny").string(),
                         "--input=" + (folder_ / "tiny/config.json").string()})
                .code,
            2);
}

TEST_F(Tokenize, FailsOnAFullDiskWithoutAHalfWrittenFile) {
  write_file_atomically(folder_ / "lines.txt", std::string(200000, 'x') + "\n");
  const std::string command = "ulimit -f 64; exec " LIMBECK_PROGRAM " tokenize --model=" + (folder_ / "tiny").string() +
                              " --input=" + (folder_ / "lines.txt").string() +
                              " --out=" + (folder_ / "ids.jsonl").string() + " 2>" + (folder_ / "error").string();
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_NE(read_file(folder_ / "error").find("File too large"), std::string::npos);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    EXPECT_NE(entry.path().filename().string().substr(0, 9), "ids.jsonl");
}

TEST_F(Tokenize, WritesATraceWhereItIsAskedFor) {
  const auto outcome = tokenize("a\nb\n", {"--profile=" + (folder_ / "trace.json").string()});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.error.find("trace.json"), std::string::npos);
  std::set<std::string> names;
  const Json trace = read_json(folder_ / "trace.json");
  for (const Json& event : trace.at("traceEvents"))
    if (event.at("ph") == "X") names.insert(event.at("name"));
  EXPECT_EQ(names, (std::set<std::string>{"load", "encode and write", "write"}));
}

TEST_F(Tokenize, LeavesATraceAlsoOfWorkThatFailed) {
  const auto outcome = tokenize("a\n", {"--profile=" + (folder_ / "trace.json").string(), "--spcial=text"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_TRUE(read_json(folder_ / "trace.json").contains("traceEvents")) << "whatever ended the work";
  EXPECT_EQ(tokenize("a\n", {"--profile=" + (folder_ / "missing/trace.json").string()}).code, 2);
  EXPECT_EQ(tokenize("a\n", {"--profile"}).code, 2);
}

}  // namespace
}  // namespace limbeck
