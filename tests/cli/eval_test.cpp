// limbeck eval and limbeck run as a user calls them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "cli/program.h"
#include "synthesis/tiny_teacher.h"

namespace limbeck {
namespace {

using ::testing::HasSubstr;

class Eval : public ::testing::Test {
 protected:
  Eval() {
    const models::Pretrained model = synthesis::tiny_model();
    models::save_pretrained(folder_ / "model", *model.model, *model.tokenizer);
    write_file_atomically(
        folder_ / "problems.jsonl",
        "{\"id\":\"a\",\"question\":\"One?\",\"answer\":1}\n{\"id\":\"b\",\"question\":\"Two?\",\"answer\":2}\n");
    write_file_atomically(
        folder_ / "texts.jsonl",
        "{\"prompt\":\"One\",\"completion\":\" two\"}\n{\"prompt\":\"Two\",\"completion\":\" three\"}\n");
  }
  std::string flag(const char* name, const char* file) {
    return std::string("--") + name + "=" + (folder_ / file).string();
  }
  TemporaryFolder folder_;
};

TEST_F(Eval, SolvesProblemsAndKeepsEverySampleWithItsVerdict) {
  const Outcome outcome = run_program({"eval", flag("model", "model"), flag("data", "problems.jsonl"),
                                       flag("out", "out"), "--num-samples=3", "--ks=1,3", "--max-new-tokens=4"});
  if (outcome.error.find("isolat") != std::string::npos) GTEST_SKIP() << outcome.error;
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("pass@3"));
  const Json figures = read_json(folder_ / "out/figures.json");
  EXPECT_EQ(figures.at("pass@1").at("value"), 0) << "noise is no program";
  const std::string samples = read_file(folder_ / "out/samples.jsonl");
  EXPECT_EQ(std::count(samples.begin(), samples.end(), '\n'), 6);
  const Outcome again = run_program({"eval", flag("model", "model"), flag("data", "problems.jsonl"), flag("out", "out"),
                                     "--num-samples=3", "--ks=1,3", "--max-new-tokens=4"});
  EXPECT_EQ(again.out, outcome.out);
  EXPECT_EQ(read_file(folder_ / "out/samples.jsonl"), samples);
}

TEST_F(Eval, MeasuresTheLikelihoodOfTextsWhenTheDataHoldsTexts) {
  const Outcome outcome = run_program(
      {"eval", flag("model", "model"), flag("data", "texts.jsonl"), flag("out", "out"), "--precision=fp32"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const Json figures = read_json(folder_ / "out/figures.json");
  EXPECT_NEAR(figures.at("nll").at("value").get<double>(), std::log(257), 0.2)
      << "a fresh model finds all bytes about as likely";
  EXPECT_NEAR(figures.at("perplexity").at("value").get<double>(), std::exp(figures.at("nll").at("value").get<double>()),
              1e-6);
}

TEST_F(Eval, AProblemWithoutAnAnswerIsTheUsersMistake) {
  write_file_atomically(folder_ / "problems.jsonl", "{\"id\":\"a\",\"question\":\"One?\"}\n");
  const Outcome outcome = run_program({"eval", flag("model", "model"), flag("data", "problems.jsonl")});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("problems.jsonl:1] problem 'a' has no answer"));
}

TEST_F(Eval, KsNeedEnoughSamples) {
  const Outcome outcome =
      run_program({"eval", flag("model", "model"), flag("data", "problems.jsonl"), "--num-samples=3", "--ks=5"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("pass@5 needs at least 5 samples"));
}

}  // namespace
}  // namespace limbeck
