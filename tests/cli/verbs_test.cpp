#include "cli/verbs.h"

#include <gtest/gtest.h>

#include <set>

#include "base/fields.h"
#include "base/message_of.h"

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
  for (const auto& verb : cli::verbs())
    for (const char* flag : {"--help", "--markdown"}) {
      try {
        verb.call({flag});
        ADD_FAILURE() << verb.name << " did not hand its options over";
      } catch (const HelpAsked& help) {
        EXPECT_NE(help.text, "") << verb.name;
        EXPECT_EQ(help.markdown, std::string(flag) == "--markdown");
      }
    }
}

TEST(Verbs, AllRefuseAnOptionThatIsNotTheirs) {
  for (const auto& verb : cli::verbs()) {
    const std::string message = message_of<UserError>([&] { verb.call({"--no-such-option=1"}); });
    EXPECT_NE(message.find("there is no option 'no_such_option'"), std::string::npos) << verb.name << ": " << message;
  }
}

}  // namespace
}  // namespace limbeck
