#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/program.h"

namespace limbeck {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReportVerb : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(run_ / "arms/ekt");
    write_json(run_ / "manifest.json", {{"method", "ekt"}, {"seed", 3}});
  }
  void finish() const {
    write_file_atomically(run_ / "table.md", "| arm | pass@1 % |\n|---|---:|\n| EKT | 30.8 |\n");
    write_json(run_ / "table.json", {{"rows", {1}}});
    write_file_atomically(run_ / "report.html", "<html>");
  }
  Outcome report(std::vector<std::string> args) const {
    args.insert(args.begin(), "report");
    return run_program(args);
  }
  TemporaryFolder folder_;
  std::filesystem::path run_ = folder_ / "run";
};

TEST_F(ReportVerb, PrintsTheTableAndWhereThePageIs) {
  finish();
  const auto outcome = report({run_.string()});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("ekt, seed 3"));
  EXPECT_THAT(outcome.out, HasSubstr("| EKT | 30.8 |"));
  EXPECT_THAT(outcome.out, HasSubstr("page:  " + (run_ / "report.html").string()));
  EXPECT_THAT(outcome.out, Not(HasSubstr("model:"))) << "there is none";
}

TEST_F(ReportVerb, SaysHowFarARunCame) {
  write_file_atomically(run_ / "samples.jsonl", "{}\n{}\n{\"te");
  write_file_atomically(run_ / "arms/ekt/log.jsonl",
                        "{\"kind\":\"step\",\"step\":7,\"loss\":1.5,\"time\":86400.5}\n"
                        "{\"kind\":\"step\",\"step\":8,\"loss\":1.25,\"time\":86460.0}\n{\"kind\":\"checkpoint\"}\n"
                        "{\"kind\":\"step\",\"step\":9,\"lo");  // as a run that goes on or was killed leaves it
  const auto outcome = report({run_.string()});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_THAT(outcome.out, HasSubstr("not finished"));
  EXPECT_THAT(outcome.out, HasSubstr("2 rows"));
  EXPECT_THAT(outcome.out, HasSubstr("step 8, loss 1.2500, 1970-01-02 00:01 UTC"));
  EXPECT_EQ(report({run_.string(), "--json"}).code, 2) << "there is no table yet";
}

TEST_F(ReportVerb, PrintsALineOfJsonForEachRun) {
  finish();
  const auto outcome = report({run_.string(), run_.string(), "--json"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const Json first = Json::parse(outcome.out.substr(0, outcome.out.find('\n')));
  EXPECT_EQ(first.at("run"), run_.string());
  EXPECT_EQ(first.at("table").at("rows"), Json({1}));
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 2);
}

TEST_F(ReportVerb, AFolderThatIsNoRunIsTheUsersMistake) {
  EXPECT_EQ(report({}).code, 2);
  const auto outcome = report({(folder_ / "nothing").string()});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.error, HasSubstr("no manifest.json"));
}

}  // namespace
}  // namespace limbeck
