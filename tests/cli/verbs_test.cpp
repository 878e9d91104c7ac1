#include "cli/verbs.h"

#include <gtest/gtest.h>

#include <set>

#include "cli/program.h"

namespace limbeck {
namespace {

TEST(Verbs, HaveNamesOfTheirOwnAndSayWhatTheyDo) {
  std::set<std::string> names;
  for (const auto& verb : cli::verbs()) {
    EXPECT_TRUE(names.insert(verb.name).second) << verb.name;
    EXPECT_EQ(verb.usage.substr(0, 8 + verb.name.size()), "limbeck " + verb.name);
    EXPECT_FALSE(verb.summary.empty());
    EXPECT_NE(verb.summary.back(), '.') << verb.summary;
  }
}

TEST(Verbs, AllAnswerToHelp) {
  for (const auto& verb : cli::verbs()) {
    const auto help = run_program({verb.name, "--help"});
    EXPECT_EQ(help.code, 0) << verb.name << ": " << help.error;
    EXPECT_EQ(help.error, "") << verb.name;
    EXPECT_NE(help.out.find(verb.usage), std::string::npos) << verb.name;
    EXPECT_EQ(run_program({"help", "--markdown", verb.name}).code, 0) << verb.name;
  }
}

TEST(Verbs, AllRefuseAnOptionThatIsNotTheirs) {
  for (const auto& verb : cli::verbs()) {
    const auto outcome = run_program({verb.name, "--no-such-option=1"});
    EXPECT_EQ(outcome.code, 2) << verb.name << ": " << outcome.error;
    EXPECT_NE(outcome.error.find("no_such_option"), std::string::npos) << verb.name << ": " << outcome.error;
  }
}

}  // namespace
}  // namespace limbeck
