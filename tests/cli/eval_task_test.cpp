#include "cli/eval_task.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/program.h"
#include "cli/tiny_classifier.h"

namespace limbeck {
namespace {

const models::Head kGoodOrBad{.kind = models::HeadKind::kClassification, .outputs = 2, .labels = {"bad", "good"}};
const char* const kRows = "t,y\ngood film,good\nbad film,bad\nthe film,good\na bad bob,bad\n";

TEST(EvalTask, MeasuresAnEncoderOnATaskFileAndComparesItWithStoredPredictions) {
  const TinyClassifier classifier(kGoodOrBad);
  classifier.write("test.csv", kRows);
  const std::string task = classifier.write("task.toml", "test = [\"test.csv\"]\ntext = [\"t\"]\nlabel = \"y\"\n");
  const auto first = run_program(
      {"eval", "--model=" + classifier.model(), "--task=" + task, "--out=" + classifier.path("first"), "--speed"});
  ASSERT_EQ(first.code, 0) << first.error;
  EXPECT_NE(first.out.find("accuracy %"), std::string::npos) << first.out;
  EXPECT_NE(first.out.find("ms a row alone"), std::string::npos) << first.out;
  const Json json = read_json(classifier.path("first/eval.json"));
  EXPECT_EQ(json["rows"], 4);
  const auto second = run_program({"eval", "--model=" + classifier.model(), "--task=" + task,
                                   "--compare=" + classifier.path("first/predictions.jsonl")});
  ASSERT_EQ(second.code, 0) << second.error;
  EXPECT_NE(second.out.find("+0.00 (+0.00 to +0.00)"), std::string::npos) << second.out;
}

TEST(EvalTask, NeedsNoTaskFile) {
  const TinyClassifier classifier(kGoodOrBad);
  const std::string test = classifier.write("test.csv", kRows);
  const auto outcome =
      run_program({"eval", "--model=" + classifier.model(), "--test=" + test, "--text=t", "--label=y"});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

TEST(EvalTask, RefusesDataThatTheModelWasNotMadeFor) {
  const TinyClassifier classifier(kGoodOrBad);
  const auto error = [&](std::vector<std::string> more) {
    std::vector<std::string> args = {"eval", "--model=" + classifier.model(), "--text=t", "--label=y"};
    args.insert(args.end(), more.begin(), more.end());
    const Outcome outcome = run_program(args);
    EXPECT_EQ(outcome.code, 2) << outcome.out;
    return outcome.error;
  };
  const std::string other = classifier.write("other.csv", "t,y\nx,good\ny,fine\n");
  EXPECT_NE(error({"--test=" + other}).find("expected one of 2 labels (bad, good) but received 'fine'"),
            std::string::npos);
  EXPECT_NE(error({"--test=" + other, "--labels=good,fine"}).find("only there: bad"), std::string::npos);
  EXPECT_NE(error({"--test=" + classifier.write("s.csv", "t,y\nx,0.5\n"), "--kind=score"})
                .find("expected a model with a head for the task"),
            std::string::npos);
  EXPECT_NE(error({"--data=" + other, "--labels=good,bad"}).find("received 'fine'"), std::string::npos);
}

TEST(EvalTask, HasItsOptionsInTheVerbsHelp) {
  const auto help = run_program({"eval", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("--compare"), std::string::npos) << help.out;
  EXPECT_FALSE(cli::names_encoder({"--model=/nowhere"}));
  EXPECT_NE(cli::eval_task_help(true).find("| `compare` |"), std::string::npos);
}

}  // namespace
}  // namespace limbeck
