#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/program.h"
#include "generate/tiny_model.h"

namespace limbeck {
namespace {

class GenerateVerb : public testing::Test {
 protected:
  void SetUp() override {
    models::save_pretrained(folder_ / "tiny", *models::small_model(generate::tiny_config()),
                            *generate::byte_tokenizer());
  }
  Outcome generate(std::vector<std::string> args) const {
    args.insert(args.begin(), {"generate", "--model=" + (folder_ / "tiny").string()});
    return run_program(args);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  TemporaryFolder folder_;
};

std::vector<Json> rows_of(const std::string& path) {
  std::vector<Json> rows;
  read_jsonl(path, [&](const Json& row, int64_t) { rows.push_back(row); });
  return rows;
}

TEST_F(GenerateVerb, WritesTheSamplesOfAPromptInOrderAndTheSameInAnyBatch) {
  write_file_atomically(path("prompt.txt"), "abcd ab");
  const std::vector<std::string> args = {"--prompt-file=" + path("prompt.txt"), "--num-samples=9",
                                         "--max-new-tokens=12", "--temperature=2", "--seed=1"};
  auto first = args, second = args;
  first.insert(first.end(), {"--out=" + path("a.jsonl")});
  second.insert(second.end(), {"--out=" + path("b.jsonl"), "--max-batch=2", "--threads=1"});
  const auto outcome = generate(first);
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.error.find("9 samples"), std::string::npos);
  ASSERT_EQ(generate(second).code, 0);
  EXPECT_EQ(read_file(path("a.jsonl")), read_file(path("b.jsonl")));
  const auto rows = rows_of(path("a.jsonl"));
  ASSERT_EQ(rows.size(), 9u);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(rows[i].at("sample"), i);
    EXPECT_LE(rows[i].at("ids").size(), 12u);
    EXPECT_LT(rows[i].at("log_prob").get<double>(), 0);
    const auto ids = rows[i].at("ids").get<std::vector<int32_t>>();
    EXPECT_EQ(generate::byte_tokenizer()->decode(ids, true), rows[i].at("text").get<std::string>());
  }
}

TEST_F(GenerateVerb, KeepsTheIdsOfItsInput) {
  write_file_atomically(path("prompts.jsonl"), "{\"id\":\"q7\",\"prompt\":\"a\"}\n\n{\"prompt\":\"b\"}\n");
  const auto outcome = generate(
      {"--input=" + path("prompts.jsonl"), "--num-samples=2", "--max-new-tokens=3", "--out=" + path("o.jsonl")});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const auto rows = rows_of(path("o.jsonl"));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[1].at("id"), "q7");
  EXPECT_EQ(rows[2].at("id"), 1);
}

TEST_F(GenerateVerb, PrintsASingleTextPlainly) {
  const auto outcome = generate({"--prompt=ab", "--max-new-tokens=4", "--temperature=0", "--precision=fp32"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const auto expected = generate::samples_of(generate::tiny_model(), {{.ids = {259}}},
                                             {.max_new_tokens = 4, .temperature = 0}, {.precision = Precision::kFp32});
  EXPECT_EQ(outcome.out, expected.at({0, 0}).text + "\n");
}

TEST_F(GenerateVerb, NamesThePromptThatDoesNotFitTheContextAndLeavesNoFile) {
  write_file_atomically(path("prompts.jsonl"), "{\"prompt\":\"x\"}\n{\"prompt\":\"" + std::string(500, 'x') + "\"}\n");
  const auto outcome = generate({"--input=" + path("prompts.jsonl"), "--out=" + path("o.jsonl")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("prompt 1: expected at most 272 tokens"), std::string::npos) << outcome.error;
  EXPECT_FALSE(std::filesystem::exists(path("o.jsonl")));
}

TEST_F(GenerateVerb, ReportsMistakesWithExitCodeTwo) {
  write_file_atomically(path("bad.jsonl"), "{\"prompt\":\"x\"}\n{\"text\":\"y\"}\n");
  auto outcome = generate({"--input=" + path("bad.jsonl")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("bad.jsonl:2"), std::string::npos) << outcome.error;
  write_file_atomically(path("empty.jsonl"), "\n");
  outcome = generate({"--input=" + path("empty.jsonl")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("empty"), std::string::npos) << outcome.error;
  outcome = generate({"--prompt=a", "--input=" + path("bad.jsonl"), "--temperature=-1", "--num-sample=3"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("num_samples"), std::string::npos) << outcome.error;
  EXPECT_NE(outcome.error.find("temperature"), std::string::npos) << outcome.error;
}

}  // namespace
}  // namespace limbeck
