#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/program.h"
#include "generate/tiny_model.h"

namespace limbeck {
namespace {

class ScoreVerb : public testing::Test {
 protected:
  void SetUp() override {
    models::save_pretrained(folder_ / "tiny", *models::small_model(generate::tiny_config()),
                            *generate::byte_tokenizer());
  }
  Outcome score(const std::string& texts) const {
    write_file_atomically(folder_ / "texts.jsonl", texts);
    return run_program({"score", "--model=" + (folder_ / "tiny").string(),
                        "--input=" + (folder_ / "texts.jsonl").string(),
                        "--out=" + (folder_ / "scores.jsonl").string()});
  }
  TemporaryFolder folder_;
};

TEST_F(ScoreVerb, GivesTheLogProbabilityOfEveryToken) {
  const auto outcome = score("{\"text\":\"abcd!\"}\n{\"text\":\"\"}\n{\"text\":\"xyz xyz\"}\n");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  std::vector<Json> rows;
  read_jsonl(folder_ / "scores.jsonl", [&](const Json& row, int64_t) { rows.push_back(row); });
  ASSERT_EQ(rows.size(), 3u);
  const std::vector<std::vector<int32_t>> ids = {{261, '!'}, {}, {'x', 'y', 'z', ' ', 'x', 'y', 'z'}};
  const auto expected = generate::score(*generate::tiny_model().model, ids);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rows[i].at("ids").get<std::vector<int32_t>>(), ids[i]);
    ASSERT_EQ(rows[i].at("log_probs").size(), ids[i].size());
    for (std::size_t t = 0; t < ids[i].size(); ++t)
      EXPECT_NEAR(rows[i].at("log_probs")[t].get<double>(), expected[i][t], 1e-6);
  }
}

TEST_F(ScoreVerb, NamesBadLinesAndTextsThatDoNotFit) {
  auto outcome = score("{\"text\":\"a\"}\n{\"text\":5}\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("texts.jsonl:2"), std::string::npos) << outcome.error;
  outcome = score("{\"text\":\"" + std::string(401, 'x') + "\"}\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("expected at most 400 tokens"), std::string::npos) << outcome.error;
  outcome = score("");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "scores.jsonl"));
}

}  // namespace
}  // namespace limbeck
