#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "recipes/distilbert.h"
#include "recipes/distilbert_arms.h"

namespace limbeck::recipes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(DistilbertOptions, AStudentHasTheBlocksThatAreNamedElseTheirNumberElseHalf) {
  DistilbertOptions options;
  EXPECT_EQ(options.blocks_of(12), 6);
  EXPECT_EQ(options.blocks_of(1), 1);
  options.num_layers = 4;
  EXPECT_EQ(options.blocks_of(12), 4);
  options.layers = {0, 5, 11};
  EXPECT_EQ(options.blocks_of(12), 3);
}

TEST(DistilbertOptions, FilesOfTheTaskBelongToTheRunWhereOneIsGiven) {
  DistilbertOptions options;
  options.teacher = "t", options.data.texts = {"a.txt"};
  EXPECT_THAT(options.inputs(), ElementsAre("a.txt", "t"));
  const TemporaryFolder folder;
  write_file_atomically(folder / "rows.csv", "text,label\ngood,yes\nbad,no\n");
  const std::string rows = (folder / "rows.csv").string();
  auto& source = options.task.data.source;
  source.data = {rows}, source.text = {"text"}, source.label = "label";
  EXPECT_THAT(options.inputs(), ElementsAre("a.txt", "t", rows));
}

TEST(DistilbertOptions, ARuleThatNamesNoBlocksIsNotOne) {
  DistilbertOptions options;
  Fields fields = fields_of(options);
  EXPECT_THAT(message_of<UserErrors>([&] { read_options(fields, "", {"--rule=given"}); }), HasSubstr("rule"));
}

TEST(DistilbertArms, StandInTheOrderOfTheListAndOnlyThePapersLossIsLeftOut) {
  const auto arms = distilbert_arms({"no_mlm", "full"});
  ASSERT_EQ(arms.size(), 2u);
  EXPECT_STREQ(arms[0].name, "full");
  EXPECT_TRUE(arms[0].ce && arms[0].mlm && arms[0].cos);
  EXPECT_STREQ(arms[1].name, "no_mlm");
  EXPECT_TRUE(arms[1].ce && !arms[1].mlm && arms[1].cos);
}

}  // namespace
}  // namespace limbeck::recipes
