#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/program.h"
#include "cli/tiny_classifier.h"

namespace limbeck {
namespace {

const models::Head kTwoClasses{.kind = models::HeadKind::kClassification, .outputs = 2, .labels = {"bad", "good"}};

std::vector<Json> predicted(const TinyClassifier& classifier, std::vector<std::string> more) {
  std::vector<std::string> args = {"predict", "--model=" + classifier.model(), "--out=" + classifier.path("out.jsonl")};
  args.insert(args.end(), more.begin(), more.end());
  const Outcome outcome = run_program(args);
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  std::vector<Json> rows;
  read_jsonl(classifier.path("out.jsonl"), [&](const Json& row, int64_t) { rows.push_back(row); });
  return rows;
}

TEST(Predict, GivesALabelAndProbabilitiesForEveryRow) {
  const TinyClassifier classifier(kTwoClasses);
  const auto rows = predicted(
      classifier, {"--input=" + classifier.write("new.csv", "t,id\ngood film,1\n\"bad, bad\",2\n"), "--text=t"});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1]["row"], "new.csv:3");
  EXPECT_NEAR(rows[0]["probabilities"]["bad"].get<double>() + rows[0]["probabilities"]["good"].get<double>(), 1, 1e-5);
  EXPECT_FALSE(rows[0].contains("gold"));
  const auto plain = predicted(classifier, {"--input=" + classifier.write("new.txt", "good film\n")});
  EXPECT_EQ(plain[0]["probabilities"], rows[0]["probabilities"]);
}

TEST(Predict, GivesTagsScoresAnswersAndChoicesByTheModelsHead) {
  const TinyClassifier tagger({.kind = models::HeadKind::kTokens, .outputs = 2, .labels = {"O", "B-X"}});
  EXPECT_EQ(
      predicted(tagger, {"--input=" + tagger.write("n.jsonl", "{\"words\":[\"bob\",\"played\"]}\n")})[0]["tags"].size(),
      2u);
  const TinyClassifier scorer({.kind = models::HeadKind::kClassification, .outputs = 1, .labels = {}});
  EXPECT_TRUE(
      predicted(scorer, {"--input=" + scorer.write("n.tsv", "a\tb\nx\ty\n"), "--text=a", "--pair=b"})[0]["score"]
          .is_number());
  const TinyClassifier reader({.kind = models::HeadKind::kSpan, .outputs = 2, .labels = {}});
  EXPECT_TRUE(
      predicted(reader,
                {"--input=" + reader.write("n.jsonl", "{\"question\":\"a\",\"context\":\"the film\"}\n")})[0]["answer"]
          .is_string());
  const TinyClassifier chooser({.kind = models::HeadKind::kChoice, .outputs = 1, .labels = {}});
  EXPECT_EQ(
      predicted(chooser, {"--input=" +
                          chooser.write("n.jsonl",
                                        "{\"question\":\"a\",\"choices\":[\"b\",\"c\",\"d\"]}\n")})[0]["probabilities"]
          .size(),
      3u);
}

TEST(Predict, SaysWhatIsWrongWithTheInput) {
  const TinyClassifier classifier(kTwoClasses);
  const auto error = [&](std::vector<std::string> more) {
    std::vector<std::string> args = {"predict", "--model=" + classifier.model()};
    args.insert(args.end(), more.begin(), more.end());
    const Outcome outcome = run_program(args);
    EXPECT_EQ(outcome.code, 2) << outcome.error;
    return outcome.error;
  };
  const std::string csv = classifier.write("new.csv", "sentence\ngood\n\" \"\n"),
                    out = "--out=" + classifier.path("o.jsonl");
  EXPECT_NE(error({"--input=" + csv, out, "--text=sentense"}).find("did you mean 'sentence'?"), std::string::npos);
  EXPECT_NE(
      error({"--input=" + csv, out, "--text=sentence"}).find("new.csv:3] expected a text in sentence but it is empty"),
      std::string::npos);
  EXPECT_NE(error({"--input=" + csv}).find("expected --out=FILE.jsonl"), std::string::npos);
  std::string many = "text\n";
  for (int i = 0; i < 40; ++i) many += "good ";
  EXPECT_NE(
      error({"--input=" + classifier.write("long.csv", many), out}).find("expected at most 32 tokens but received 42"),
      std::string::npos);
  const TinyClassifier body({});
  EXPECT_NE(run_program({"predict", "--model=" + body.model(), "--input=" + csv, out}).error.find("but it has none"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck
