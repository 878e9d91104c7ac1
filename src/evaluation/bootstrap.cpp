#include "evaluation/bootstrap.h"

#include <algorithm>
#include <cmath>  // std::floor
#include <map>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "base/phases.h"

namespace limbeck::evaluation {
namespace {

double ratio_of(double sum, double count) {
  return count == 0 ? 0 : sum / count;
}

// The statistic of each resample, sorted.
std::vector<double> resample(std::span<const double> sums, std::span<const double> counts,
                             const BootstrapOptions& options) {
  const Phase phase("bootstrap", "evaluation");
  std::vector<double> group_sums(sums.begin(), sums.end()), group_counts(counts.begin(), counts.end());
  if (!options.groups.empty()) {
    std::map<int64_t, std::pair<double, double>> totals;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      auto& [sum, count] = totals[options.groups[i]];
      sum += sums[i], count += counts[i];
    }
    group_sums.clear(), group_counts.clear();
    for (const auto& [group, total] : totals) group_sums.push_back(total.first), group_counts.push_back(total.second);
  }
  Random random(options.seed.derive("bootstrap"));
  std::vector<double> statistics(static_cast<std::size_t>(options.resamples));
  for (auto& statistic : statistics) {
    double sum = 0, count = 0;
    while (count == 0) {  // a resample with nothing to count says nothing
      sum = 0;
      for (std::size_t i = 0; i < group_sums.size(); ++i) {
        const uint64_t drawn = random.below(group_sums.size());
        sum += group_sums[drawn];
        count += group_counts[drawn];
      }
    }
    statistic = ratio_of(sum, count);
  }
  std::sort(statistics.begin(), statistics.end());
  return statistics;
}

// Linear between order statistics.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

void expect_usable(std::span<const double> sums, std::span<const double> counts, const BootstrapOptions& options) {
  if (sums.empty() || sums.size() != counts.size() || options.resamples < 1)
    fail("bootstrap",
         "expected one sum and one count a problem and at least one resample but received {} and {}, {} resamples",
         sums.size(), counts.size(), options.resamples);
  if (std::all_of(counts.begin(), counts.end(), [](double count) { return count == 0; }))
    fail("bootstrap", "expected something to count but every one of {} counts is 0", counts.size());
  if (!options.groups.empty() && options.groups.size() != sums.size())
    fail("bootstrap", "expected a group for each of {} problems but received {}", sums.size(), options.groups.size());
}

Interval interval_of(std::span<const double> sums, std::span<const double> counts,
                     const std::vector<double>& statistics, double level) {
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) sum += sums[i], count += counts[i];
  return {ratio_of(sum, count), quantile(statistics, (1 - level) / 2), quantile(statistics, (1 + level) / 2)};
}

// The value of all rows and those of each resample, sorted.
struct Draws {
  double value = 0;
  std::vector<double> statistics;
};

Draws draw_statistic(int64_t num_rows, const Statistic& statistic, const BootstrapOptions& options) {
  const Phase phase("bootstrap", "evaluation");
  if (num_rows < 1 || options.resamples < 1)
    fail("bootstrap", "expected at least one row and one resample but received {} and {}", num_rows, options.resamples);
  if (!options.groups.empty() && static_cast<int64_t>(options.groups.size()) != num_rows)
    fail("bootstrap", "expected a group for each of {} rows but received {}", num_rows, options.groups.size());
  std::vector<std::vector<int64_t>> units;
  std::map<int64_t, std::size_t> unit_of_group;
  std::vector<int64_t> all;
  for (int64_t i = 0; i < num_rows; ++i) {
    all.push_back(i);
    const bool grouped = !options.groups.empty();
    const auto at = grouped ? unit_of_group.try_emplace(options.groups[i], units.size()).first->second : units.size();
    if (at == units.size()) units.emplace_back();
    units[at].push_back(i);
  }
  Draws draws{.value = statistic(all)};
  Random random(options.seed.derive("bootstrap"));
  std::vector<int64_t> drawn;
  for (int64_t r = 0; r < options.resamples; ++r) {
    drawn.clear();
    for (std::size_t u = 0; u < units.size(); ++u) {
      const auto& unit = units[random.below(units.size())];
      drawn.insert(drawn.end(), unit.begin(), unit.end());
    }
    draws.statistics.push_back(statistic(drawn));
  }
  std::sort(draws.statistics.begin(), draws.statistics.end());
  return draws;
}

Interval interval_of(const Draws& draws, double level) {
  return {draws.value, quantile(draws.statistics, (1 - level) / 2), quantile(draws.statistics, (1 + level) / 2)};
}

// Two-sided; the figures themselves count as one more resample.
double p_value_of(const std::vector<double>& differences) {
  const auto share = [&](auto side) {
    return static_cast<double>(std::count_if(differences.begin(), differences.end(), side) + 1) /
           static_cast<double>(differences.size() + 1);
  };
  return std::min(1.0, 2 * std::min(share([](double d) { return d <= 0; }), share([](double d) { return d >= 0; })));
}

}  // namespace

Interval bootstrap_statistic(int64_t num_rows, const Statistic& statistic, const BootstrapOptions& options) {
  return interval_of(draw_statistic(num_rows, statistic, options), options.level);
}

Comparison compare_statistics(int64_t num_rows, const Statistic& a, const Statistic& b,
                              const BootstrapOptions& options) {
  const Draws draws = draw_statistic(
      num_rows, [&](std::span<const int64_t> drawn) { return a(drawn) - b(drawn); }, options);
  return {interval_of(draws, options.level), p_value_of(draws.statistics)};
}

Interval bootstrap_ratio(std::span<const double> sums, std::span<const double> counts,
                         const BootstrapOptions& options) {
  expect_usable(sums, counts, options);
  return interval_of(sums, counts, resample(sums, counts, options), options.level);
}

Interval bootstrap_mean(std::span<const double> values, const BootstrapOptions& options) {
  return bootstrap_ratio(values, std::vector<double>(values.size(), 1), options);
}

Comparison compare_paired(std::span<const double> a, std::span<const double> b, const BootstrapOptions& options) {
  if (a.size() != b.size())
    fail("compare_paired", "expected the same problems but received {} and {}", a.size(), b.size());
  std::vector<double> difference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  const std::vector<double> ones(difference.size(), 1);
  expect_usable(difference, ones, options);
  const std::vector<double> statistics = resample(difference, ones, options);
  return {interval_of(difference, ones, statistics, options.level), p_value_of(statistics)};
}

}  // namespace limbeck::evaluation
