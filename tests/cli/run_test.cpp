// What limbeck run says before any work; what a method does then is tested in tests/recipes.
#include <gtest/gtest.h>

#include "cli/program.h"

namespace limbeck {
namespace {

TEST(Run, AsksForAMethodAndAFolder) {
  EXPECT_EQ(run_program({"run"}).code, 2);
  const auto without_folder = run_program({"run", "ekt"});
  EXPECT_EQ(without_folder.code, 2);
  const auto too_many = run_program({"run", "ekt", "a.toml", "b.toml", "--out=/tmp/x"});
  EXPECT_EQ(too_many.code, 2);
  EXPECT_NE(too_many.error.find("3 names"), std::string::npos) << too_many.error;
}

TEST(Run, NamesTheNearestMethod) {
  const TemporaryFolder folder;
  const auto outcome = run_program({"run", "etk", "--out=" + (folder / "run").string()});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("did you mean 'ekt'?"), std::string::npos) << outcome.error;
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(Run, ReportsTheMistakesOfFileAndFlagsTogetherBeforeAnyWork) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "my.toml", "techer = \"x\"\nk = 0\n\n[train]\nepochs = \"three\"\n");
  const auto outcome = run_program({"run", "ekt", (folder / "my.toml").string(), "--out=" + (folder / "run").string(),
                                    "--precision=fp64", "--problems=/no/such/problems.jsonl"});
  EXPECT_EQ(outcome.code, 2);
  for (const char* part :
       {"my.toml:1] there is no option 'techer'; did you mean 'teacher'?",
        "my.toml:2] k: expected a whole number ≥ 1 but received 0", "my.toml:5] train.epochs: expected a number",
        "[--precision] precision: expected one of fp32, bf16", "'/no/such/problems.jsonl', which is not there",
        "teacher: expected a file or folder but none was given"})
    EXPECT_NE(outcome.error.find(part), std::string::npos) << part << "\n" << outcome.error;
  EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

TEST(Run, ShowsTheOptionsOfAMethod) {
  const auto outcome = run_program({"run", "ekt", "--help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.out.find("--teacher=PATH"), std::string::npos);
}

}  // namespace
}  // namespace limbeck
