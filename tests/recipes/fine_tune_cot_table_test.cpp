#include "recipes/fine_tune_cot_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "base/temporary_folder.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

TEST(CotTable, HasSharesOfTheTestProblemsAndTextsSideBySide) {
  const TemporaryFolder folder;
  CotResult result{.num_train = 9, .num_dev = 1, .seed = 4, .resamples = 50};
  for (int i = 0; i < 4; ++i)
    result.test.push_back(
        {.id = std::to_string(i), .question = "Is <" + std::to_string(i) + "> more?", .answer_text = "yes"});
  const std::vector<double> some = {1, 0, 1, 1}, all = {1, 1, 1, 1};
  const std::vector<std::string> texts = {"a & b", "b", "c", "d"};
  result.rows = {{.name = "zero_shot",
                  .title = "prompted",
                  .right = some,
                  .holds_answer = all,
                  .has_format = all,
                  .complete = all,
                  .written = texts},
                 {.name = "cot",
                  .title = "trained",
                  .num_texts = 7,
                  .num_steps = 21,
                  .right = all,
                  .holds_answer = all,
                  .has_format = some,
                  .complete = all,
                  .written = texts}};
  ::testing::internal::CaptureStdout();
  write_cot_results(result, limbeck::Run::open(folder / "run", "fine-tune-cot", "", {}, Seed(4)));
  const std::string said = ::testing::internal::GetCapturedStdout();
  EXPECT_THAT(said, HasSubstr("4 test problems, greedy; 9 training questions, 1 held out"));
  const std::string markdown = read_file(folder / "run/table.md");
  EXPECT_THAT(markdown, HasSubstr("| prompted | - | - | 75.0 ("));
  EXPECT_THAT(markdown, HasSubstr("| trained | 7 | 21 | 100.0 ("));
  const Json table = read_json(folder / "run/table.json");
  EXPECT_EQ(table["rows"][1]["num_steps"], 21);
  EXPECT_EQ(table["rows"][1]["figures"]["in the format"]["value"], 0.75);
  const std::string page = read_file(folder / "run/report.html");
  EXPECT_THAT(page, HasSubstr("Is &lt;0&gt; more?"));
  EXPECT_THAT(page, HasSubstr("a &amp; b"));
}

}  // namespace
}  // namespace limbeck::recipes
