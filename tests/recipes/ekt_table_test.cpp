#include "recipes/ekt_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipes/made_up_result.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

class Table : public MadeUpResult {};

TEST_F(Table, TheFunnelCountsSamplesAndTheReasonsForWhichTheyWereNotKept) {
  const Funnel funnel = funnel_of(*context_);
  EXPECT_EQ(funnel.num_samples, 44);
  EXPECT_EQ(funnel.num_passed, 22);
  EXPECT_EQ(funnel.num_kept, 11);
  EXPECT_EQ(funnel.num_solved, 11);
  EXPECT_EQ(funnel.num_executable, 33);
  ASSERT_EQ(funnel.reasons.size(), 3u);
  int64_t sum = funnel.num_kept;
  for (const auto& [reason, count] : funnel.reasons) sum += count;
  EXPECT_EQ(sum, 44) << "every sample is either kept or has a reason";
  EXPECT_EQ(funnel.mean_lines_kept, 2);
}

TEST_F(Table, EktIsComparedWithEveryOtherArmButNotWithTheTeacher) {
  const auto comparisons = compare_arms(result_.rows, *context_);
  ASSERT_EQ(comparisons.size(), 2u) << "one other arm, two k";
  EXPECT_EQ(comparisons[0].against, "unfiltered");
  EXPECT_DOUBLE_EQ(comparisons[0].comparison.difference.value, 2.0 / 3 - 1.0 / 3);
  EXPECT_LT(comparisons[0].comparison.p_value, 0.05);
}

TEST_F(Table, JsonHoldsFiguresWithTheirIntervals) {
  const Json table = table_json(result_, *context_);
  const Json& row = table.at("rows")[2];
  EXPECT_EQ(row.at("arm"), "ekt");
  EXPECT_EQ(row.at("num_pairs"), 1);
  const Json& figure = row.at("figures").at("pass@1");
  EXPECT_LE(figure.at("low"), figure.at("value"));
  EXPECT_LE(figure.at("value"), figure.at("high"));
  EXPECT_EQ(row.at("nll"), nullptr) << "no reference programs";
}

TEST_F(Table, TextAndMarkdownShowTheSameRows) {
  const std::string text = table_text(result_, *context_), markdown = table_markdown(result_, *context_);
  for (const std::string& table : {text, markdown})
    for (const char* cell : {"Teacher <b>", "33.3 (33.3 to 33.3)", "66.7 (66.7 to 66.7)"})
      EXPECT_THAT(table, HasSubstr(cell));
  EXPECT_THAT(markdown, HasSubstr("|---|---:|"));
  EXPECT_THAT(markdown, HasSubstr("pass@1: +33.3 points"));
}

TEST(TableText, PercentShowsOneDigit) {
  EXPECT_EQ(percent(0.1234), "12.3");
  EXPECT_EQ(percent(evaluation::Interval{0.5, 0.25, 1}), "50.0 (25.0 to 100.0)");
}

}  // namespace
}  // namespace limbeck::recipes
