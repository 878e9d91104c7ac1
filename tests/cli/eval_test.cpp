#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "cli/program.h"
#include "generate/tiny_model.h"
#include "sandbox/isolation_lacks.h"

namespace limbeck {
namespace {

class EvalVerb : public testing::Test {
 protected:
  void SetUp() override {
    models::save_pretrained(folder_ / "tiny", *models::small_model(generate::tiny_config()),
                            *generate::byte_tokenizer());
  }
  Outcome eval(const std::string& data, std::vector<std::string> more = {}) const {
    write_file_atomically(folder_ / "data.jsonl", data);
    std::vector<std::string> args = {"eval", "--model=" + (folder_ / "tiny").string(),
                                     "--data=" + (folder_ / "data.jsonl").string(), "--precision=fp32"};
    args.insert(args.end(), more.begin(), more.end());
    return run_program(args);
  }
  TemporaryFolder folder_;
};

TEST_F(EvalVerb, GivesTheLikelihoodOfTextsAsScoreDoes) {
  const std::string out = "--out=" + (folder_ / "out").string();
  const auto outcome = eval("{\"text\":\"xyz xyz\"}\n{\"text\":\"uvw\"}\n", {out, "--no-texts.end-of-text"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const std::vector<std::vector<int32_t>> ids = {{'x', 'y', 'z', ' ', 'x', 'y', 'z'}, {'u', 'v', 'w'}};
  double nll = 0;
  for (const auto& log_probs : generate::score(*generate::tiny_model().model, ids))
    for (const float log_prob : log_probs) nll -= log_prob;
  const Json figures = read_json(folder_ / "out" / "eval.json").at("figures");
  EXPECT_NEAR(figures.at("nll per token").at("value").get<double>(), nll / 8, 1e-5);
  EXPECT_NEAR(figures.at("perplexity").at("value").get<double>(), std::exp(nll / 8), 1e-2);
  EXPECT_LE(figures.at("perplexity").at("low").get<double>(), figures.at("perplexity").at("value").get<double>());
}

TEST_F(EvalVerb, JudgesProgramsOfAModelThatCannotProgram) {
  if (const std::string lacks = sandbox::isolation_lacks(); !lacks.empty()) GTEST_SKIP() << lacks;
  const auto outcome = eval("{\"id\":\"a\",\"question\":\"two and two?\",\"answer\":4}\n",
                            {"--num-samples=3", "--ks=1,3", "--max-new-tokens=6"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.out.find("pass@3"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("0.0 %"), std::string::npos) << outcome.out;
}

TEST_F(EvalVerb, NamesWhatIsWrong) {
  auto outcome = eval("{\"id\":\"a\",\"question\":\"two and two?\"}\n");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("data.jsonl:1"), std::string::npos) << outcome.error;
  outcome = eval("");
  EXPECT_EQ(outcome.code, 2);
  outcome = eval("{\"id\":\"a\",\"question\":\"q\",\"answer\":1}\n", {"--ks=50"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("pass@50 needs at least 50 samples"), std::string::npos) << outcome.error;
}

}  // namespace
}  // namespace limbeck
