#include "evaluation/significance.h"

#include <algorithm>
#include <cmath>  // std::lgamma, std::abs
#include <numbers>
#include <vector>

#include "base/errors.h"

namespace limbeck::evaluation {

double mcnemar_p(int64_t only_a_right, int64_t only_b_right) {
  const int64_t n = only_a_right + only_b_right, fewer = std::min(only_a_right, only_b_right);
  if (fewer < 0) fail("mcnemar_p", "expected counts but received {} and {}", only_a_right, only_b_right);
  if (n == 0) return 1;
  double tail = 0;
  for (int64_t k = 0; k <= fewer; ++k)
    tail += std::exp(std::lgamma(static_cast<double>(n + 1)) - std::lgamma(static_cast<double>(k + 1)) -
                     std::lgamma(static_cast<double>(n - k + 1)) - static_cast<double>(n) * std::numbers::ln2);
  return std::min(1.0, 2 * tail);
}

double permutation_p(std::span<const double> a, std::span<const double> b, Seed seed, int64_t num_permutations) {
  if (a.size() != b.size() || a.empty() || num_permutations < 1)
    fail("permutation_p", "expected pairs of values and at least one exchange but received {} and {}, {} exchanges",
         a.size(), b.size(), num_permutations);
  std::vector<double> differences;
  double observed = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    observed += a[i] - b[i];
    if (a[i] != b[i]) differences.push_back(a[i] - b[i]);
  }
  const double least = std::abs(observed) * (1 - 1e-12);
  Random random(seed.derive("permutation"));
  int64_t as_far = 1;
  for (int64_t p = 0; p < num_permutations; ++p) {
    double sum = 0;
    uint64_t bits = 0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      if (i % 64 == 0) bits = random();
      sum += (bits >> (i % 64) & 1) != 0 ? differences[i] : -differences[i];
    }
    as_far += std::abs(sum) >= least;
  }
  return static_cast<double>(as_far) / static_cast<double>(num_permutations + 1);
}

}  // namespace limbeck::evaluation
