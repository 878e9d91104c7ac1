#include "recipes/task_charts.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "recipes/well_formed.h"

namespace limbeck::recipes {
namespace {

int64_t count_of(const std::string& text, const std::string& part) {
  int64_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(CalibrationChart, DrawsABinWhereItsConfidenceAndAccuracyAre) {
  const std::string html =
      calibration_chart({{"a < b", "c1", {{.confidence = 0.6, .accuracy = 0.75, .count = 4}, {}}}});
  EXPECT_EQ(fault_of_html(html), "");
  EXPECT_EQ(count_of(html, "<circle"), 1) << "an empty bin is not drawn";
  EXPECT_NE(html.find("cx=\"60.00%\" cy=\"25.00%\""), std::string::npos) << html;
  EXPECT_NE(html.find("a &lt; b"), std::string::npos);
}

TEST(ConfusionTable, HasARowOfCountsForEachLabel) {
  const std::string html = confusion_table({3, 1, 0, 0}, {"no", "yes"});
  EXPECT_EQ(fault_of_html(html), "");
  EXPECT_NE(html.find(">3<small>75 %</small>"), std::string::npos) << html;
  EXPECT_NE(html.find(">0<small>0 %</small>"), std::string::npos) << "a label without rows";
}

TEST(ConfusionList, NamesThePairsThatAreConfusedMostOften) {
  const std::string html = confusion_list({5, 1, 2, 0, 5, 0, 0, 0, 5}, {"a", "b", "c"}, 1);
  EXPECT_NE(html.find("a → c"), std::string::npos);
  EXPECT_EQ(html.find("a → b"), std::string::npos);
  EXPECT_EQ(confusion_list({1, 0, 0, 1}, {"a", "b"}), "");
}

TEST(SpeedChart, PutsFasterArmsToTheLeftAndBetterOnesUp) {
  const std::string html =
      speed_chart("accuracy", {{"slow", "c1", 10, 0.9, 20000000}, {"fast", "c2", 1, 0.8, 5000000}});
  EXPECT_EQ(fault_of_html(html), "");
  const auto place = [&](const std::string& key, std::size_t from) {
    return std::stod(html.substr(html.find(key, from) + key.size()));
  };
  const std::size_t slow = html.find("<circle"), fast = html.find("<circle", slow + 1);
  EXPECT_GT(place("cx=\"", slow), place("cx=\"", fast));
  EXPECT_LT(place("cy=\"", slow), place("cy=\"", fast));
  EXPECT_GT(place(" r=\"", slow), place(" r=\"", fast));
  EXPECT_EQ(speed_chart("accuracy", {}), "");
  EXPECT_EQ(fault_of_html(speed_chart("one", {{"a", "c1", 2, 1, 0}})), "");
}

}  // namespace
}  // namespace limbeck::recipes
