#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.h"
#include "data/byte_tokenizer.h"
#include "models/formula_weights.h"
#include "models/language_model.h"

namespace limbeck {
namespace {

using ::testing::HasSubstr;

class PlanVerb : public testing::Test {
 protected:
  void SetUp() override {
    models::save_pretrained(folder_ / "tiny",
                            *models::small_model({{"vocab_size", 257}, {"eos_token_id", 256}, {"bos_token_id", 256}}),
                            *byte_tokenizer());
    write_file_atomically(folder_ / "problems.jsonl", "{\"id\":\"a\",\"question\":\"q?\",\"answer\":1}\n");
    write_file_atomically(folder_ / "examples.jsonl", "{\"question\":\"x?\",\"program\":\"answer = 1\"}\n");
  }
  Outcome plan(const std::vector<std::string>& more) const {
    const auto path = [&](const char* name) { return (folder_ / name).string(); };
    std::vector<std::string> args = {"plan",
                                     "ekt",
                                     "--teacher=" + path("tiny"),
                                     "--problems=" + path("problems.jsonl"),
                                     "--test-problems=" + path("problems.jsonl"),
                                     "--examples=" + path("examples.jsonl"),
                                     "--sampling.max-new-tokens=20",
                                     "--max-length=60"};
    args.insert(args.end(), more.begin(), more.end());
    return run_program(args);
  }
  TemporaryFolder folder_;
};

TEST_F(PlanVerb, SaysWhatARunNeedsAndLeavesNothing) {
  const auto outcome = plan({"--max-batch=2", "--train.micro-batch-tokens=64", "--out=" + (folder_ / "run").string()});
  EXPECT_EQ(outcome.code, 0) << outcome.error << outcome.out;
  for (const char* what :
       {"teacher writes", "memory, training", "disk", "speeds measured", "time", "nothing stands in the way"})
    EXPECT_THAT(outcome.out, HasSubstr(what));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
}

TEST_F(PlanVerb, WhatDoesNotFitIsExitCodeOne) {
  const auto outcome = plan({"--no-measure", "--sampling.max-new-tokens=2000"});
  EXPECT_EQ(outcome.code, 1) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("the teacher's context"));
}

TEST_F(PlanVerb, MistakesAreExitCodeTwo) {
  EXPECT_EQ(plan({"--no-measure", "--kk=3"}).code, 2);
  EXPECT_EQ(run_program({"plan"}).code, 2);
}

}  // namespace
}  // namespace limbeck
