#include "evaluation/correlation.h"

#include <algorithm>
#include <cmath>  // std::sqrt
#include <cstdint>
#include <numeric>  // std::iota

#include "base/errors.h"

namespace limbeck::evaluation {

double pearson(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size() || a.empty())
    fail("pearson", "expected pairs of values but received {} and {}", a.size(), b.size());
  const auto n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n,
               mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double both = 0, squares_a = 0, squares_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i] - mean_a, y = b[i] - mean_b;
    both += x * y, squares_a += x * x, squares_b += y * y;
  }
  // What rounding leaves of a constant side is no correlation.
  const double least = 1e-24 * n * std::max({1.0, mean_a * mean_a, mean_b * mean_b});
  return squares_a <= least || squares_b <= least ? 0 : both / std::sqrt(squares_a * squares_b);
}

std::vector<double> mean_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return values[x] < values[y]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end + 1) / 2;
    begin = end;
  }
  return ranks;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  return pearson(mean_ranks(a), mean_ranks(b));
}

}  // namespace limbeck::evaluation
