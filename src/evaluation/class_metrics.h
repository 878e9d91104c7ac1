// Figures of classifiers, from predicted and true classes (numbers from 0), as scikit-learn defines them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace limbeck::evaluation {

double accuracy(std::span<const int64_t> predicted, std::span<const int64_t> labels);

// How often class l was taken for class p: counts[l * num_classes + p].
std::vector<int64_t> confusion_counts(std::span<const int64_t> predicted, std::span<const int64_t> labels,
                                      int64_t num_classes);

// The rest are functions of those counts.
// 2 tp / (2 tp + fp + fn) of one class; 0 where it neither occurs nor is predicted.
double f1_of_class(std::span<const int64_t> counts, int64_t num_classes, int64_t positive);
// The mean over the classes that occur or are predicted, but for those left out.
double macro_f1(std::span<const int64_t> counts, int64_t num_classes, const std::vector<int64_t>& left_out = {});
// Of the counts of all classes but those left out, added up.
double micro_f1(std::span<const int64_t> counts, int64_t num_classes, const std::vector<int64_t>& left_out = {});
// The mean over groups of classes, such as the two directions of a relation: of a group as one class, but that a row of
// one member that is taken for another is wrong (the official score of SemEval-2010 Task 8, Hendrickx et al. 2010).
// Over the groups that occur; groups: of each class, -1 where it is left out.
double group_macro_f1(std::span<const int64_t> counts, int64_t num_classes, const std::vector<int64_t>& groups);
// Matthews' correlation of two or more classes (R_K, Gorodkin 2004); 0 where one side is constant.
double matthews(std::span<const int64_t> counts, int64_t num_classes);

// Expected calibration error (Guo et al. 2017, arXiv:1706.04599, eq. 3): the mean distance of confidence and accuracy
// over bins of equal width (low, high], weighted by their rows.
double calibration_error(std::span<const double> confidence, std::span<const double> right, int64_t num_bins = 15);

struct CalibrationBin {
  double confidence = 0, accuracy = 0;  // means
  int64_t count = 0;
};
std::vector<CalibrationBin> calibration_bins(std::span<const double> confidence, std::span<const double> right,
                                             int64_t num_bins = 15);

}  // namespace limbeck::evaluation
