// Charts of classifiers: how well confidence is calibrated, what is taken for what, and size, speed and quality of the
// arms in one picture. HTML and SVG that stretch with the page, as in charts.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/class_metrics.h"

namespace limbeck::recipes {

struct CalibrationCurve {
  std::string name, colour;
  std::vector<evaluation::CalibrationBin> bins;
};
// Accuracy over confidence; the diagonal is perfect. A dot's area is the share of the rows in its bin.
std::string calibration_chart(const std::vector<CalibrationCurve>& curves);

// How often each label (a row) was taken for each other one (a column), shaded by the share of the row.
// counts[l * labels + p], as evaluation::confusion_counts gives them.
std::string confusion_table(const std::vector<int64_t>& counts, const std::vector<std::string>& labels);
// The pairs that were confused most often, for more labels than a table has room for.
std::string confusion_list(const std::vector<int64_t>& counts, const std::vector<std::string>& labels,
                           std::size_t most = 15);

struct SpeedDot {
  std::string name, colour;
  double milliseconds = 0, value = 0;  // of a row; a share
  int64_t num_weights = 0;
};
// Quality over milliseconds a row on a log scale; a dot's area is the number of weights. "" where there is no dot.
std::string speed_chart(const std::string& title, const std::vector<SpeedDot>& dots);

}  // namespace limbeck::recipes
