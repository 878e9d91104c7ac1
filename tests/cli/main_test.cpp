#include <gtest/gtest.h>

#include <filesystem>

#include "cli/program.h"

namespace limbeck {
namespace {

TEST(Program, ShowsItsVerbsAndCallsTheirAbsenceAMistake) {
  const auto alone = run_program({});
  EXPECT_EQ(alone.code, 2);
  EXPECT_EQ(alone.out, "");
  const auto help = run_program({"help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_EQ(help.out, alone.error);
  EXPECT_NE(help.out.find("limbeck doctor"), std::string::npos);
  EXPECT_EQ(run_program({"--help"}).out, help.out);
}

TEST(Program, NamesTheNearestVerb) {
  const auto outcome = run_program({"docter"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.error,
            "limbeck: [limbeck] there is no verb 'docter'; did you mean 'doctor'?; limbeck help lists them\n");
}

TEST(Program, TellsItsVersion) {
  EXPECT_EQ(run_program({"--version"}).out, "limbeck " LIMBECK_VERSION "\n");
}

TEST(Program, ReportsEveryMistakeInTheFlagsOfAVerb) {
  const auto outcome = run_program({"doctor", "--rate=1", "--rates=maybe"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.error.find("2 mistakes:"), std::string::npos);
  EXPECT_NE(outcome.error.find("did you mean 'rates'?"), std::string::npos);
  EXPECT_NE(outcome.error.find("expected true or false but received \"maybe\""), std::string::npos);
}

TEST(Program, ShowsAVerbsOptionsInThreeWays) {
  const auto help = run_program({"doctor", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("--rates"), std::string::npos);
  EXPECT_EQ(run_program({"help", "doctor"}).out, help.out);
  const auto markdown = run_program({"help", "--markdown", "doctor"});
  EXPECT_EQ(markdown.code, 0);
  EXPECT_EQ(markdown.out.substr(0, 17), "# limbeck doctor\n");
  EXPECT_NE(markdown.out.find("| `rates` |"), std::string::npos);
}

TEST(Program, FailsWhenItsOutputCannotBeWritten) {
  const int status = std::system(LIMBECK_PROGRAM " help > /dev/full 2> /dev/null");
  EXPECT_EQ(WEXITSTATUS(status), 1);
}

TEST(Program, SurvivesAReaderThatLeaves) {
  const int status = std::system("bash -c 'set -o pipefail; " LIMBECK_PROGRAM " help | true' 2> /dev/null");
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_LE(WEXITSTATUS(status), 1);
}

TEST(Program, LoadsNoLibTorchForWhatNeedsNone) {
  EXPECT_EQ(std::system("ldd " LIMBECK_PROGRAM " | grep -q torch"), 256) << "verify starts at once";
  EXPECT_EQ(std::system("ldd " LIMBECK_PROGRAM "-torch | grep -q torch"), 0);
  EXPECT_EQ(run_program({"verify", "--help"}).out, run_program({"help", "verify"}).out) << "by each of the two";
}

TEST(Program, SaysWhatIsMissingWhereItStandsAlone) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(LIMBECK_PROGRAM, folder / "limbeck");
  const int status = std::system(((folder / "limbeck").string() + " list 2> " + (folder / "said").string()).c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_NE(read_file(folder / "said").find("expected " + (folder / "limbeck-torch").string()), std::string::npos);
}

}  // namespace
}  // namespace limbeck
