#include "recipes/charts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "recipes/well_formed.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Charts, AxesEndAtRoundNumbers) {
  EXPECT_DOUBLE_EQ(round_up_nicely(0.18), 0.2);
  EXPECT_DOUBLE_EQ(round_up_nicely(0.2), 0.2);
  EXPECT_DOUBLE_EQ(round_up_nicely(3.1), 5);
  EXPECT_DOUBLE_EQ(round_up_nicely(71), 100);
  EXPECT_DOUBLE_EQ(round_up_nicely(0), 1);
  EXPECT_DOUBLE_EQ(round_up_nicely(std::nan("")), 1);
}

TEST(Charts, ADotStandsAtItsShareOfTheScaleAndTheWhiskerAtTheInterval) {
  const std::string chart = dots_with_whiskers("pass@1", {{"<arm>", "c1", {0.1, 0.05, 0.18}}});
  EXPECT_THAT(chart, HasSubstr("cx=\"50.00%\"")) << "the scale ends at 20 %";
  EXPECT_THAT(chart, HasSubstr("x1=\"25.00%\" x2=\"90.00%\""));
  EXPECT_THAT(chart, HasSubstr("&lt;arm&gt;"));
  EXPECT_THAT(chart, HasSubstr("10.0&nbsp;%"));
  EXPECT_EQ(fault_of_html(chart), "");
}

TEST(Charts, ACurveRunsFromTheLowerLeftToItsPointsOnTheScale) {
  const std::string chart = line_chart({.title = "loss", .x_name = "step"}, {{"a", "c1", {{0, 2}, {10, 1}}}});
  EXPECT_THAT(chart, HasSubstr("points=\"0.00,0.00 100.00,50.00 \""));
  EXPECT_EQ(fault_of_html(chart), "");
}

TEST(Charts, SmoothingKeepsTheEndsAndDrawsThePointsFaintly) {
  const std::string chart =
      line_chart({.title = "loss", .x_name = "step", .smooth = true}, {{"a", "c1", {{0, 1}, {1, 0}, {2, 1}}}});
  EXPECT_THAT(chart, HasSubstr("curve faint\" points=\"0.00,0.00 50.00,100.00 100.00,0.00 \""));
  EXPECT_THAT(chart, HasSubstr("curve\" points=\"0.00,0.00 50.00,33.33 100.00,0.00 \""));
}

TEST(Charts, AChartOfOnePointOrNoPointIsStillAChart) {
  EXPECT_THAT(line_chart({.title = "m", .smooth = true}, {{"a", "c1", {{5, 0.5}}}}), Not(HasSubstr("nan")));
  EXPECT_THAT(dots_with_whiskers("m", {{"a", "c1", {0, 0, 0}}}), HasSubstr("cx=\"0.00%\""));
}

TEST(Charts, ALogScaleRunsBetweenPowersOfTenAndLeavesOutWhatHasNoLogarithm) {
  const std::string chart =
      line_chart({.title = "loss", .log_scale = true}, {{"a", "c1", {{0, 10}, {1, 0}, {2, 0.1}, {4, 1}}}});
  EXPECT_THAT(chart, HasSubstr("points=\"0.00,0.00 50.00,100.00 100.00,50.00 \""));
  EXPECT_THAT(chart, HasSubstr("<span>10</span><span>1</span><span>0.1</span>"));
  EXPECT_EQ(line_chart({.log_scale = true}, {{"a", "c1", {{0, 0}}}}), "");
}

TEST(Charts, BarsShowCountsAndShares) {
  const std::string chart = bars({{"kept & used", "c3", 5}}, 20);
  EXPECT_THAT(chart, HasSubstr("width=\"25.00%\""));
  EXPECT_THAT(chart, HasSubstr("kept &amp; used"));
  EXPECT_THAT(bars({{"x", "c0", 0}}, 0), HasSubstr("width=\"0.00%\""));
}

}  // namespace
}  // namespace limbeck::recipes
