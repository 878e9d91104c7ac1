#include "recipes/masked_lm_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/temporary_folder.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MaskedLmTable, HasEachModelsFiguresAndADivergenceOfAllButTheTeacher) {
  const TemporaryFolder folder;
  const limbeck::Run run = limbeck::Run::open(folder / "run", "test", "", {}, Seed(1));
  MaskedLmData data;
  data.dev.examples.resize(3);
  const std::vector<MaskedLmRow> rows = {
      {"teacher", "the teacher", {.loss = 2.5, .accuracy = 0.5, .divergence = 9.875, .num_masked = 7}, 2000000},
      {"small", "a | small one", {.loss = 3.25, .accuracy = 0.25, .divergence = 0.125, .num_masked = 7}, 1234567}};
  ::testing::internal::CaptureStdout();
  write_masked_lm_table("A method", rows, data, {{"blocks", {0, 2}}}, run);
  const std::string said = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(said, HasSubstr("7 hidden tokens of 3 held-out examples"));
  const std::string page = read_file(run.path("pretraining.md"));
  EXPECT_THAT(page, HasSubstr("# A method: pretraining"));
  EXPECT_THAT(page, HasSubstr("1.23 M"));
  EXPECT_THAT(page, HasSubstr("0.1250"));
  EXPECT_THAT(page, Not(HasSubstr("9.8750")));
  const Json json = read_json(run.path("pretraining.json"));
  EXPECT_EQ(json["blocks"], (Json{0, 2}));
  ASSERT_EQ(json["arms"].size(), 2u);
  EXPECT_EQ(json["arms"][1]["arm"], "small");
  EXPECT_EQ(json["arms"][1]["parameters"], 1234567);
  EXPECT_EQ(json["arms"][1]["loss"], 3.25);
  EXPECT_EQ(json["arms"][1]["divergence"], 0.125);
}

}  // namespace
}  // namespace limbeck::recipes
