#include <gtest/gtest.h>

#include "base/example_options.h"

namespace limbeck {
namespace {

TEST(ToToml, PutsKeysOfNoGroupBeforeTheTables) {
  ExampleOptions options;
  EXPECT_EQ(to_toml(fields_of(options)),
            "teacher = \"\"  # not compared\ndata = \"\"  # not compared\ntemperature = 0.6\nsamples = 8\nkeep = "
            "\"first\"\nverbose = false\nnote = "
            "\"plain\"\n"
            "stops = [\"\\n\\n\"]\nlayers = []\nweights = [1.0, 0.5]\n\n"
            "[train]\nepochs = 3.0\nlearning_rate = 0.0001\nbatch_size = 32\nshuffle = true\n");
}

TEST(ToHelp, ShowsFlagHelpDefaultAndRange) {
  ExampleOptions options;
  const std::string help = to_help(fields_of(options));
  EXPECT_NE(help.find("  --train.learning-rate=NUMBER    peak of the schedule [default 0.0001; > 0]\n"),
            std::string::npos)
      << help;
  EXPECT_NE(help.find("  --keep=first|all|distinct       which passing samples | train [default first]\n"),
            std::string::npos);
  EXPECT_NE(help.find("  --teacher=PATH                  folder of the teacher\n"), std::string::npos);
  EXPECT_NE(help.find("  --verbose  "), std::string::npos);
}

TEST(ToHelp, BreaksLongTextIntoIndentedLines) {
  int64_t x = 0;
  Fields fields;
  std::string words;
  for (int i = 0; i < 60; ++i) words += "word ";
  fields("x", x, words);
  const std::string help = to_help(fields);
  std::size_t longest = 0, begin = 0;
  for (std::size_t end; (end = help.find('\n', begin)) != std::string::npos; begin = end + 1)
    longest = std::max(longest, end - begin);
  EXPECT_LE(longest, 110u);
  EXPECT_NE(help.find("\n                                  word"), std::string::npos);
}

TEST(ToMarkdown, IsATableThatEscapesBars) {
  ExampleOptions options;
  const std::string page = to_markdown(fields_of(options));
  EXPECT_NE(page.find("| `samples` | whole number | `8` | 1 to 1000 | a problem |\n"), std::string::npos) << page;
  EXPECT_NE(page.find("which passing samples \\| train"), std::string::npos);
  EXPECT_NE(page.find("| `teacher` | file or folder |  |  | folder of the teacher |\n"), std::string::npos);
}

TEST(ToMarkdown, MarksWhatIsRequired) {
  std::string model;
  Fields fields;
  fields("model", model, "to load", Names::kRequiredFolder);
  EXPECT_NE(to_markdown(fields).find("| `model` | folder | required |  | to load |\n"), std::string::npos);
  EXPECT_NE(to_help(fields).find("to load [required]"), std::string::npos);
}

}  // namespace
}  // namespace limbeck
