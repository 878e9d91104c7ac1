#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "base/errors.h"
#include "base/example_options.h"
#include "base/files.h"
#include "base/message_of.h"
#include "base/seeds.h"
#include "base/temporary_folder.h"

namespace limbeck {
namespace {

ExampleOptions read(const std::string& toml, const std::vector<std::string>& flags) {
  const TemporaryFolder folder;
  if (!toml.empty()) write_file_atomically(folder / "my.toml", toml);
  ExampleOptions options;
  Fields fields = fields_of(options);
  read_options(fields, toml.empty() ? "" : (folder / "my.toml").string(), flags);
  return options;
}

// The mistakes without the folder that the TOML file was in.
std::vector<std::string> mistakes(const std::string& toml, const std::vector<std::string>& flags) {
  try {
    read(toml, flags);
  } catch (const UserErrors& e) {
    std::vector<std::string> list;
    for (std::string text : e.mistakes()) {
      if (const auto at = text.find("my.toml"); at != std::string::npos) text = "[" + text.substr(at);
      list.push_back(text);
    }
    return list;
  }
  return {};
}

TEST(ReadOptions, TakesTomlFirstAndFlagsOverIt) {
  const auto options = read("temperature = 0.5\nsamples = 4\nkeep = \"all\"\n[train]\nepochs = 2\nbatch_size = 8\n",
                            {"--train.epochs=7", "--samples=5"});
  EXPECT_EQ(options.temperature, 0.5);
  EXPECT_EQ(options.samples, 5);
  EXPECT_EQ(options.keep, Keep::kAll);
  EXPECT_EQ(options.train.epochs, 7);
  EXPECT_EQ(options.train.batch_size, 8);
}

TEST(ReadOptions, UnderstandsEveryWayToWriteAFlag) {
  EXPECT_TRUE(read("", {"--verbose"}).verbose);
  EXPECT_FALSE(read("verbose = true", {"--verbose=false"}).verbose);
  EXPECT_FALSE(read("verbose = true", {"--no-verbose"}).verbose);
  EXPECT_FALSE(read("", {"--no-train.shuffle"}).train.shuffle);
  EXPECT_EQ(read("", {"--train.learning-rate=1e-3"}).train.learning_rate, 1e-3);
  EXPECT_EQ(read("", {"--layers=0,2,4"}).layers, (std::vector<int64_t>{0, 2, 4}));
  EXPECT_EQ(read("", {"--weights=[1, 2.5]"}).weights, (std::vector<double>{1, 2.5}));
  EXPECT_EQ(read("", {"--stops=[\"a,b\", \"\\n\"]"}).stops, (std::vector<std::string>{"a,b", "\n"}));
  EXPECT_EQ(read("", {"--stops=a,b"}).stops, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(read("", {"--stops="}).stops.empty());
  EXPECT_EQ(read("", {"--note=a=b "}).note, "a=b ");
}

TEST(ReadOptions, TakesAConfigurationAmongTheFlags) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "c.toml", "samples = 3\n[train]\nlearning-rate = 1\n");
  const auto options = read("", {"--samples=9", "--config=" + (folder / "c.toml").string()});
  EXPECT_EQ(options.samples, 9);
  EXPECT_EQ(options.train.learning_rate, 1);
}

TEST(ReadOptions, ReportsAllMistakesAtOnce) {
  const auto list =
      mistakes("tempreature = 0.5\nsamples = \"many\"\n\n[train]\nepochs = 0\nbatch_size = 2.5\n[trian]\nx = 1\n",
               {"--keep=fisrt", "--vebose", "--data=/no/such/file", "--train.shuffle=maybe", "loose"});
  auto has = [&](const std::string& text) { return std::find(list.begin(), list.end(), text) != list.end(); };
  EXPECT_TRUE(has("[my.toml:1] there is no option 'tempreature'; did you mean 'temperature'?"));
  EXPECT_TRUE(has("[my.toml:2] samples: expected a whole number 1 to 1000 but received \"many\""));
  EXPECT_TRUE(has("[my.toml:5] train.epochs: expected a number > 0 but received 0"));
  EXPECT_TRUE(has("[my.toml:6] train.batch_size: expected a whole number ≥ 1 but received 2.5"));
  EXPECT_TRUE(has("[--keep] keep: expected one of first, all, distinct but received \"fisrt\"; did you mean 'first'?"));
  EXPECT_TRUE(has("[--vebose] there is no option 'vebose'; did you mean 'verbose'?"));
  EXPECT_TRUE(has("[--data] data: expected a file but received '/no/such/file', which is not there"));
  EXPECT_TRUE(has("[--train.shuffle] train.shuffle: expected true or false but received \"maybe\""));
  EXPECT_TRUE(has("[loose] expected --name=value but received 'loose'"));
  EXPECT_EQ(list.size(), 10u) << fmt::format("{}", fmt::join(list, "\n"));
}

TEST(ReadOptions, LeavesNoDoubtAboutNumbers) {
  for (const char* flag :
       {"--samples=", "--samples=1.0", "--samples=1e2", "--samples=0x10", "--samples= 5", "--samples=5 ",
        "--samples=99999999999999999999", "--samples=0", "--temperature=nan", "--temperature=abc",
        "--temperature=1e999", "--temperature=-1", "--layers=1,,2", "--layers=1,-2", "--layers=[1", "--weights=a"})
    EXPECT_EQ(mistakes("", {flag}).size(), 1u) << flag;
}

TEST(ReadOptions, SaysWhatAFlagWithoutValueNeeds) {
  EXPECT_EQ(mistakes("", {"--samples"}),
            std::vector<std::string>{"[--samples] expected a whole number 1 to 1000; write --samples=VALUE"});
}

TEST(ReadOptions, ChecksRulesOverSeveralFields) {
  EXPECT_EQ(mistakes("", {"--keep=all", "--samples=1"}),
            std::vector<std::string>{"[options] keep: 'all' and 'distinct' need samples above 1"});
}

TEST(ReadOptions, NamesLineAndColumnOfBrokenToml) {
  const auto list = mistakes("samples = 3\nkeep = = 4\n", {"--samples=0"});
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].substr(0, 12), "[my.toml:2:8");
}

TEST(ReadOptions, RefusesAValueWhereAGroupBelongsAndAGroupWhereAValueBelongs) {
  EXPECT_EQ(mistakes("train = 3\n", {}),
            std::vector<std::string>{"[my.toml:1] train: expected a table of options but received 3"});
  EXPECT_EQ(mistakes("[samples]\nx = 1\n", {}),
            std::vector<std::string>{"[my.toml:1] samples: expected a whole number 1 to 1000 but received a table"});
  EXPECT_EQ(mistakes("note = 2020-01-01\n", {}),
            std::vector<std::string>{"[my.toml:1] note: expected text but received a date or time"});
}

TEST(ReadOptions, SurvivesNestingWithoutEnd) {
  std::string dotted = "a", tables = "x = ";
  for (int i = 0; i < 200000; ++i) dotted += ".a", tables += "{a=";
  for (const std::string& toml : {dotted + " = 1", "[" + dotted + "]", tables, "x = " + std::string(200000, '[')})
    EXPECT_EQ(mistakes(toml, {}).size(), 1u);
}

TEST(ReadOptions, SurvivesKeysWithoutEndWhateverIsInTheirQuotes) {
  for (const char* part : {"a", "\"]\"", "','", "\"=\"", "'#'", "\"\\\"\""}) {
    std::string dotted = "a";
    for (int i = 0; i < 200000; ++i) dotted += std::string(".") + part;
    for (const std::string& toml :
         {"samples = 3\n" + dotted + " = 1", "\n[" + dotted + "]", "\nx = {" + dotted + " = 1}"})
      EXPECT_EQ(mistakes(toml, {}),
                std::vector<std::string>{"[my.toml:2] expected keys of at most 16 parts but received more"});
  }
  std::string nested = "x = 1";  // as deep as toml++ nests values, each under a key as long as it may be
  for (int i = 0; i < 300; ++i) nested = "x = {a.a.a.a.a.a.a.a.a.a.a.a.a.a.a." + nested + "}";
  EXPECT_EQ(mistakes(nested, {}).size(), 1u);
  EXPECT_EQ(mistakes("", {"--stops=[{" + std::string(100000, '.') + " = 1}]"}).size(), 1u);
}

TEST(ReadOptions, RefusesOrReadsWhateverBytesItIsGiven) {
  const std::string good =
      "temperature = 0.5\nstops = [\"a\", 'b']\nkeep = \"all\"\n[train]\nepochs = 2\nshuffle = true\n";
  const TemporaryFolder folder;
  Random random(Seed(11));
  int num_read = 0, num_refused = 0;
  for (int round = 0; round < 500; ++round) {
    std::string toml = good;
    for (uint64_t edit = 1 + random.below(3); edit > 0; --edit) {
      const std::size_t at = random.below(toml.size());
      const uint64_t kind = random.below(3);
      if (kind == 0) toml[at] = static_cast<char>(random.below(256));
      if (kind == 1) toml.erase(at, 1 + random.below(5));
      if (kind == 2) toml.insert(at, toml.substr(random.below(toml.size()), random.below(8)));
    }
    std::ofstream(folder / "x.toml") << toml;
    try {
      ExampleOptions options;
      Fields fields = fields_of(options);
      read_options(fields, (folder / "x.toml").string(), {});
      ++num_read;
    } catch (const UserErrors&) {
      ++num_refused;
    }
  }
  EXPECT_GT(num_read, 10);
  EXPECT_GT(num_refused, 200);
}

TEST(ReadOptions, SaysThatAConfigurationIsMissing) {
  ExampleOptions options;
  Fields fields = fields_of(options);
  EXPECT_NE(message_of<UserErrors>([&] { read_options(fields, "/no/such.toml", {}); }).find("/no/such.toml"),
            std::string::npos);
}

TEST(ReadOptions, RefusesTextThatIsNotUtf8) {
  EXPECT_EQ(mistakes("", {"--note=\xff"}).size(), 1u);
  EXPECT_EQ(mistakes("note = \"\xff\"", {}).size(), 1u);
}

TEST(ReadOptions, AsksForWhatIsRequired) {
  struct Needs {
    std::string model;
    void describe(Fields& f) { f("model", model, "", Names::kRequiredFolder); }
  } options;
  Fields fields = fields_of(options);
  EXPECT_EQ(message_of<UserErrors>([&] { read_options(fields, "", {}); }),
            "[options] model: expected a folder but none was given; set it with --model=PATH");
  EXPECT_NE(message_of<UserErrors>([&] {
              read_options(fields, "", {"--model=/proc/self/status"});
            }).find("which is not a folder"),
            std::string::npos);
  read_options(fields, "", {"--model=/proc"});
  EXPECT_EQ(options.model, "/proc");
}

TEST(ReadOptions, AnswersARequestForHelpBeforeAnythingElse) {
  ExampleOptions options;
  Fields fields = fields_of(options);
  try {
    read_options(fields, "", {"--nonsense", "--help"});
    FAIL() << "nothing was thrown";
  } catch (const HelpAsked& help) {
    EXPECT_NE(help.text.find("--train.epochs"), std::string::npos);
    EXPECT_FALSE(help.markdown);
  }
}

TEST(ReadOptions, ReadsBackWhatItWroteToTheSameBytes) {
  ExampleOptions options;
  options.temperature = 0.1 + 0.2;
  options.train.learning_rate = 5e-324;
  options.train.epochs = 1e300;
  options.note = "quote \" backslash \\ tab \t newline \n bell \a delete \x7f snow ☃ [train] = # x";
  options.stops = {"", "\n\n", "a,b", "\"\"\""};
  options.layers = {INT64_MAX, 0};
  options.weights = {1, 0.1, 1e20, 123456789.0};
  options.keep = Keep::kDistinct;
  const std::string written = to_toml(fields_of(options));
  auto again = read(written, {});
  EXPECT_EQ(to_toml(fields_of(again)), written);
  EXPECT_EQ(again.note, options.note);
  EXPECT_EQ(again.temperature, options.temperature);
  EXPECT_EQ(again.train.learning_rate, 5e-324);
  EXPECT_EQ(again.weights, options.weights);
}

}  // namespace
}  // namespace limbeck
