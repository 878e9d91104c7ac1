#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"
#include "cli/program.h"
#include "data/byte_tokenizer.h"
#include "models/formula_weights.h"

namespace limbeck {
namespace {

using ::testing::HasSubstr;

class RecordVerb : public testing::Test {
 protected:
  void SetUp() override {
    const Json config = {{"vocab_size", 257}, {"eos_token_id", 256}, {"bos_token_id", 256}};
    models::save_pretrained(folder_ / "tiny", *models::small_model(config), *byte_tokenizer());
    std::string rows;
    for (int i = 0; i < 12; ++i)
      rows += to_line({{"prompt", fmt::format("{} + 1 =", i)}, {"completion", fmt::format(" {}", i + 1)}}) + "\n";
    write_file_atomically(folder_ / "pairs.jsonl", rows);
  }
  Outcome record(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> args = {"record", "--teacher=" + path("tiny"), "--data=" + path("pairs.jsonl"),
                                     "--out=" + path("store"), "--precision=fp32"};
    args.insert(args.end(), more.begin(), more.end());
    return run_program(args);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  TemporaryFolder folder_;
};

TEST_F(RecordVerb, StoresTheTeacherOnceAndTrainLearnsFromTheStore) {
  auto outcome = record({"--top=16"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("tokens recorded"));
  const std::string store = read_file(path("store"));
  outcome = record({"--top=16"});
  EXPECT_THAT(outcome.out, HasSubstr("all 12 texts were there"));
  EXPECT_EQ(read_file(path("store")), store);
  outcome = run_program({"train", "--model=" + path("tiny"), "--data=" + path("pairs.jsonl"),
                         "--teacher=" + path("store"), "--out=" + path("out"), "--train.epochs=1", "--precision=fp32"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_TRUE(std::filesystem::exists(path("out") + "/model/model.safetensors"));
}

TEST_F(RecordVerb, MistakesHaveExitCodeTwo) {
  ASSERT_EQ(record({"--top=16"}).code, 0);
  EXPECT_EQ(record({"--top=300"}).code, 2);
  EXPECT_THAT(record({"--top=8"}).error, HasSubstr("another tokenizer, k or tail"));
  EXPECT_EQ(run_program({"record", "--teacher=" + path("tiny"), "--out=" + path("x")}).code, 2);
  write_file_atomically(path("served.toml"), "model = \"m\"\n[server]\nurls = [\"http://127.0.0.1:1/v1\"]\n");
  EXPECT_THAT(
      run_program({"record", "--teacher=" + path("served.toml"), "--data=" + path("pairs.jsonl"), "--out=" + path("x")})
          .error,
      HasSubstr("--tokenizer"));
  const auto outcome = run_program({"train", "--model=" + path("tiny"), "--data=" + path("pairs.jsonl"),
                                    "--teacher=" + path("pairs.jsonl"), "--out=" + path("out")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("expected a store of log-probabilities"));
}

}  // namespace
}  // namespace limbeck
