#include "evaluation/class_metrics.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "evaluation/golden_metrics.h"

namespace limbeck::evaluation {
namespace {

using Classes = std::vector<int64_t>;

TEST(ClassMetrics, AreThoseOfScikitLearn) {
  for (const Json& row : golden_metrics("classes")) {
    const auto labels = row.at("labels").get<Classes>(), predicted = row.at("predicted").get<Classes>();
    const auto n = row.at("num_classes").get<int64_t>();
    const auto left_out = row.at("left_out").get<Classes>();
    const auto counts = confusion_counts(predicted, labels, n);
    EXPECT_NEAR(accuracy(predicted, labels), row.at("accuracy").get<double>(), 1e-12);
    EXPECT_NEAR(f1_of_class(counts, n, 1), row.at("f1").get<double>(), 1e-12);
    EXPECT_NEAR(macro_f1(counts, n), row.at("macro_f1").get<double>(), 1e-12);
    EXPECT_NEAR(macro_f1(counts, n, left_out), row.at("macro_f1_left_out").get<double>(), 1e-12);
    EXPECT_NEAR(micro_f1(counts, n, left_out), row.at("micro_f1_left_out").get<double>(), 1e-12);
    EXPECT_NEAR(matthews(counts, n), row.at("matthews").get<double>(), 1e-12);
  }
}

TEST(ClassMetrics, OfDirectedRelationsAreThoseOfTheOfficialScorer) {
  const Json golden = read_json(LIMBECK_SOURCE_DIR "/tests/golden/evaluation/relations.json");
  const auto names = golden.at("labels").get<std::vector<std::string>>();
  const auto n = static_cast<int64_t>(names.size());
  Classes groups = {-1};  // Other
  for (int64_t c = 1; c < n; ++c) groups.push_back((c - 1) / 2);
  for (const Json& row : golden.at("rows")) {
    const auto counts = confusion_counts(row.at("predicted").get<Classes>(), row.at("labels").get<Classes>(), n);
    EXPECT_NEAR(group_macro_f1(counts, n, groups), row.at("official").get<double>(), 1e-12);
  }
  EXPECT_THROW(group_macro_f1(Classes{1}, 1, {}), Error);
}

TEST(ClassMetrics, OfConstantPredictionsHaveNoCorrelation) {
  EXPECT_EQ(matthews(confusion_counts(Classes{1, 1, 1}, Classes{0, 1, 1}, 2), 2), 0);
  EXPECT_EQ(f1_of_class(confusion_counts(Classes{0, 0}, Classes{0, 0}, 2), 2, 1), 0);
}

TEST(ClassMetrics, RefuseWhatIsNoClass) {
  EXPECT_THROW(confusion_counts(Classes{2}, Classes{0}, 2), Error);
  EXPECT_THROW(confusion_counts(Classes{0}, Classes{-1}, 2), Error);
  EXPECT_THROW(accuracy(Classes{}, Classes{}), Error);
  EXPECT_THROW(accuracy(Classes{1}, Classes{1, 0}), Error);
}

// Two bins: 0.4 and 0.5 are (0, 0.5], right half of the time; 0.9 and 1 are (0.5, 1], always right.
TEST(CalibrationError, IsTheWeightedDistanceOfConfidenceAndAccuracyByHand) {
  const std::vector<double> confidence = {0.4, 0.5, 0.9, 1}, right = {0, 1, 1, 1};
  EXPECT_NEAR(calibration_error(confidence, right, 2), 0.5 * std::abs(0.45 - 0.5) + 0.5 * std::abs(0.95 - 1), 1e-12);
  const auto bins = calibration_bins(confidence, right, 2);
  EXPECT_EQ(bins[0].count, 2);
  EXPECT_NEAR(bins[1].confidence, 0.95, 1e-12);
  EXPECT_EQ(calibration_error(std::vector<double>{1, 1}, std::vector<double>{1, 1}), 0);
  EXPECT_EQ(calibration_error(std::vector<double>{0}, std::vector<double>{1}), 1) << "0 is in the lowest bin";
  EXPECT_THROW(calibration_error({}, {}), Error);
}

}  // namespace
}  // namespace limbeck::evaluation
