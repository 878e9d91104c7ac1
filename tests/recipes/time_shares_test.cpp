#include "recipes/time_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "base/phases.h"
#include "base/temporary_folder.h"
#include "recipes/well_formed.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string time_row(const std::string& process, double seconds, const Json& phases) {
  return to_line({{"kind", "time"}, {"process", process}, {"seconds", seconds}, {"phases", phases}}) + "\n";
}

Json phase_row(const std::string& name, double seconds, int depth = 0, bool beside = false) {
  return {{"name", name}, {"seconds", seconds}, {"depth", depth}, {"beside", beside}};
}

class TimeShares : public ::testing::Test {
 protected:
  std::string html_of(const std::string& rows) const {
    write_file_atomically(folder_ / "log.jsonl", rows);
    return time_shares_html(folder_ / "log.jsonl");
  }
  TemporaryFolder folder_;
};

TEST_F(TimeShares, AreNothingWithoutALogOrItsRows) {
  EXPECT_EQ(time_shares_html(folder_ / "log.jsonl"), "");
  EXPECT_EQ(html_of(to_line({{"kind", "start"}}) + "\n"), "");
}

TEST_F(TimeShares, OfAProcessAreThoseOfItsLastRow) {
  const std::string html = html_of(time_row("a", 1, {phase_row("train", 1)}) +
                                   time_row("a", 10, {phase_row("train", 8), phase_row("train > forward", 2, 1)}));
  EXPECT_EQ(fault_of_html(html), "");
  EXPECT_THAT(html, HasSubstr("<th>train</th><td>8.0</td><td>80.0</td>"));
  EXPECT_THAT(html, HasSubstr("forward</th><td>2.0</td><td>20.0</td>"));
  EXPECT_THAT(html, HasSubstr("<th>all</th><td>10.0</td>"));
  EXPECT_THAT(html, Not(HasSubstr("processes")));
}

TEST_F(TimeShares, OfARunThatWasStoppedAreTheSumOverItsProcesses) {
  const std::string html =
      html_of(time_row("a", 4, {phase_row("load", 1), phase_row("train", 3)}) +
              time_row("b", 6, {phase_row("load", 1), phase_row("train", 2), phase_row("train > forward", 1, 1)}));
  EXPECT_THAT(html, HasSubstr("<th>train</th><td>5.0</td><td>50.0</td>"));
  EXPECT_THAT(html, HasSubstr("The sum over 2 processes"));
  EXPECT_LT(html.find("<th>train</th>"), html.find("forward</th>"));
}

TEST_F(TimeShares, SayWhatRanAtTheSameTime) {
  const std::string html = html_of(time_row("a", 4, {phase_row("sample", 4), phase_row("judge", 3, 0, true)}));
  EXPECT_THAT(html, HasSubstr("judge (at the same time)</th><td>3.0</td>"));
  EXPECT_THAT(html, HasSubstr("other, s"));
}

TEST_F(TimeShares, OfThisProcessStandInItsLogWhenTheWorkEndsEvenByAnError) {
  forget_phases();
  const limbeck::Run run = limbeck::Run::open(folder_ / "run", "test", "", {}, Seed(1));
  EXPECT_THROW(
      {
        const TimeLog log(run);
        const Phase phase("work");
        throw std::runtime_error("stopped");
      },
      std::runtime_error);
  EXPECT_THAT(time_shares_html(run.path("log.jsonl")), HasSubstr("<th>work</th>"));
  forget_phases();
}

}  // namespace
}  // namespace limbeck::recipes
