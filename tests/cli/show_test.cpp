#include <gtest/gtest.h>

#include <algorithm>

#include "cli/program.h"
#include "recipes/catalog.h"

namespace limbeck {
namespace {

TEST(Show, ListsEveryOptionOfEveryMethodInEachForm) {
  for (const auto& method : recipes::methods()) {
    const auto help = run_program({"show", method.name}), markdown = run_program({"show", method.name, "--markdown"});
    EXPECT_EQ(help.code, 0) << help.error;
    EXPECT_EQ(markdown.code, 0) << markdown.error;
    EXPECT_NE(help.out.find(method.paper), std::string::npos);
    const auto job = method.make();
    const Fields fields = job->fields();
    ASSERT_FALSE(fields.list().empty());
    for (const Field& field : fields.list()) {
      EXPECT_NE(markdown.out.find("| `" + field.name + "` |"), std::string::npos) << field.name;
      std::string flag = "--" + field.name;
      std::replace(flag.begin(), flag.end(), '_', '-');
      EXPECT_NE(help.out.find(flag), std::string::npos) << flag;
      EXPECT_FALSE(field.help.empty()) << field.name;
    }
    EXPECT_EQ(run_program({"show", method.name, "--toml"}).out, to_toml(fields));
  }
}

TEST(Show, ListsTheOptionsOfAServedTeacher) {
  const auto help = run_program({"show", "teacher"});
  EXPECT_EQ(help.code, 0) << help.error;
  EXPECT_NE(help.out.find("--server.api-key-env"), std::string::npos) << help.out;
  EXPECT_NE(run_program({"show", "teacher", "--markdown"}).out.find("| `cap.cost` |"), std::string::npos);
}

TEST(Show, NamesTheNearestMethod) {
  const auto outcome = run_program({"show", "ekd"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.error.find("did you mean 'ekt'?"), std::string::npos) << outcome.error;
}

TEST(Show, AsksForAMethod) {
  EXPECT_EQ(run_program({"show"}).code, 2);
  EXPECT_EQ(run_program({"show", "ekt", "ekt"}).code, 2);
}

TEST(Show, GivesDefaultsThatReadBackToTheSameBytes) {
  // A default outside its own range would show here.
  for (const auto& method : recipes::methods()) {
    const TemporaryFolder folder;
    const auto job = method.make();
    Fields fields = job->fields();
    std::string toml = to_toml(fields);
    write_file_atomically(folder / "defaults.toml", toml);
    try {
      read_options(fields, (folder / "defaults.toml").string(), {});
    } catch (const UserErrors& e) {
      for (const auto& mistake : e.mistakes())  // files and folders that only a user can name
        EXPECT_TRUE(mistake.find("none was given") != std::string::npos ||
                    mistake.find("not there") != std::string::npos)
            << mistake;
    }
    EXPECT_EQ(to_toml(fields), toml);
  }
}

}  // namespace
}  // namespace limbeck
