// Percentile bootstrap over problems (Efron 1979): how far a figure would move with other problems of the same kind.
// Problems that are variations of each other count as one draw: they say less than as many unrelated ones.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/seeds.h"

namespace limbeck::evaluation {

struct Interval {
  double value = 0, low = 0, high = 0;
};

struct BootstrapOptions {
  int64_t resamples = 2000;
  double level = 0.95;
  Seed seed{1};
  std::vector<int64_t> groups;  // of each problem: those with the same number are drawn together; empty: one by one
};

// Mean of one value a problem. Throws Error when there is none.
Interval bootstrap_mean(std::span<const double> values, const BootstrapOptions& options);
// sum(sums) / sum(counts), resampling problems with both: NLL a token, where problems have unequal numbers of tokens.
Interval bootstrap_ratio(std::span<const double> sums, std::span<const double> counts, const BootstrapOptions& options);

// Two arms on the same problems: mean of a - b, and the share of resamples on the other side of zero (two-sided; the
// figures themselves count as one more resample, so that it is never 0).
struct Comparison {
  Interval difference;
  double p_value = 1;
};
Comparison compare_paired(std::span<const double> a, std::span<const double> b, const BootstrapOptions& options);

// The same of any figure, which is given the rows that a resample drew (indices from 0, with repeats).
using Statistic = std::function<double(std::span<const int64_t> drawn)>;
Interval bootstrap_statistic(int64_t num_rows, const Statistic& statistic, const BootstrapOptions& options);
// a - b on the same draws.
Comparison compare_statistics(int64_t num_rows, const Statistic& a, const Statistic& b,
                              const BootstrapOptions& options);

}  // namespace limbeck::evaluation
