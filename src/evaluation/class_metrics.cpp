#include "evaluation/class_metrics.h"

#include <algorithm>
#include <cmath>  // std::sqrt
#include <map>

#include "base/errors.h"

namespace limbeck::evaluation {
namespace {

struct ClassCounts {
  double right = 0, predicted = 0, labelled = 0;
};

ClassCounts counts_of_class(std::span<const int64_t> counts, int64_t num_classes, int64_t c) {
  ClassCounts result{.right = static_cast<double>(counts[c * num_classes + c])};
  for (int64_t other = 0; other < num_classes; ++other) {
    result.labelled += static_cast<double>(counts[c * num_classes + other]);
    result.predicted += static_cast<double>(counts[other * num_classes + c]);
  }
  return result;
}

double f1_of(const ClassCounts& c) {
  const double whole = c.predicted + c.labelled;
  return whole == 0 ? 0 : 2 * c.right / whole;
}

bool is_left_out(const std::vector<int64_t>& left_out, int64_t c) {
  return std::find(left_out.begin(), left_out.end(), c) != left_out.end();
}

}  // namespace

double accuracy(std::span<const int64_t> predicted, std::span<const int64_t> labels) {
  if (predicted.size() != labels.size() || labels.empty())
    fail("accuracy", "expected a prediction for each of at least one label but received {} and {}", predicted.size(),
         labels.size());
  int64_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predicted[i] == labels[i];
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

std::vector<int64_t> confusion_counts(std::span<const int64_t> predicted, std::span<const int64_t> labels,
                                      int64_t num_classes) {
  if (predicted.size() != labels.size())
    fail("confusion_counts", "expected a prediction for each label but received {} and {}", predicted.size(),
         labels.size());
  std::vector<int64_t> counts(static_cast<std::size_t>(num_classes * num_classes));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (std::min(labels[i], predicted[i]) < 0 || std::max(labels[i], predicted[i]) >= num_classes)
      fail("confusion_counts", "row {}: expected classes from 0 to {} but received {} and {}", i, num_classes - 1,
           labels[i], predicted[i]);
    ++counts[labels[i] * num_classes + predicted[i]];
  }
  return counts;
}

double f1_of_class(std::span<const int64_t> counts, int64_t num_classes, int64_t positive) {
  return f1_of(counts_of_class(counts, num_classes, positive));
}

double macro_f1(std::span<const int64_t> counts, int64_t num_classes, const std::vector<int64_t>& left_out) {
  double sum = 0, classes = 0;
  for (int64_t c = 0; c < num_classes; ++c) {
    const ClassCounts own = counts_of_class(counts, num_classes, c);
    if (is_left_out(left_out, c) || own.predicted + own.labelled == 0) continue;
    sum += f1_of(own), ++classes;
  }
  return classes == 0 ? 0 : sum / classes;
}

double micro_f1(std::span<const int64_t> counts, int64_t num_classes, const std::vector<int64_t>& left_out) {
  ClassCounts all;
  for (int64_t c = 0; c < num_classes; ++c) {
    if (is_left_out(left_out, c)) continue;
    const ClassCounts own = counts_of_class(counts, num_classes, c);
    all.right += own.right, all.predicted += own.predicted, all.labelled += own.labelled;
  }
  return f1_of(all);
}

double group_macro_f1(std::span<const int64_t> counts, int64_t num_classes, const std::vector<int64_t>& groups) {
  if (static_cast<int64_t>(groups.size()) != num_classes)
    fail("group_macro_f1", "expected a group for each of {} classes but received {}", num_classes, groups.size());
  std::map<int64_t, ClassCounts> all;
  for (int64_t c = 0; c < num_classes; ++c) {
    if (groups[c] < 0) continue;
    const ClassCounts own = counts_of_class(counts, num_classes, c);
    ClassCounts& group = all[groups[c]];
    group.right += own.right, group.predicted += own.predicted, group.labelled += own.labelled;
  }
  double sum = 0, occurring = 0;
  for (const auto& [number, group] : all)
    if (group.labelled > 0) sum += f1_of(group), ++occurring;
  return occurring == 0 ? 0 : sum / occurring;
}

double matthews(std::span<const int64_t> counts, int64_t num_classes) {
  double right = 0, rows = 0, both = 0, predicted_squares = 0, label_squares = 0;
  for (int64_t c = 0; c < num_classes; ++c) {
    const ClassCounts own = counts_of_class(counts, num_classes, c);
    right += own.right, rows += own.labelled, both += own.predicted * own.labelled;
    predicted_squares += own.predicted * own.predicted, label_squares += own.labelled * own.labelled;
  }
  const double spread = (rows * rows - predicted_squares) * (rows * rows - label_squares);
  return spread <= 0 ? 0 : (right * rows - both) / std::sqrt(spread);
}

std::vector<CalibrationBin> calibration_bins(std::span<const double> confidence, std::span<const double> right,
                                             int64_t num_bins) {
  if (confidence.size() != right.size() || num_bins < 1)
    fail("calibration_bins", "expected a confidence for each answer but received {} and {}", confidence.size(),
         right.size());
  std::vector<CalibrationBin> bins(static_cast<std::size_t>(num_bins));
  for (std::size_t i = 0; i < right.size(); ++i) {
    const auto place = static_cast<int64_t>(std::ceil(confidence[i] * static_cast<double>(num_bins))) - 1;
    CalibrationBin& bin = bins[std::clamp<int64_t>(place, 0, num_bins - 1)];
    bin.confidence += confidence[i], bin.accuracy += right[i], ++bin.count;
  }
  for (CalibrationBin& bin : bins)
    if (bin.count > 0) {
      bin.confidence /= static_cast<double>(bin.count);
      bin.accuracy /= static_cast<double>(bin.count);
    }
  return bins;
}

double calibration_error(std::span<const double> confidence, std::span<const double> right, int64_t num_bins) {
  if (right.empty()) fail("calibration_error", "expected at least one answer but received none");
  double error = 0;
  for (const CalibrationBin& bin : calibration_bins(confidence, right, num_bins))
    error += std::abs(bin.confidence - bin.accuracy) * static_cast<double>(bin.count);
  return error / static_cast<double>(right.size());
}

}  // namespace limbeck::evaluation
