#include "evaluation/pass_at_k.h"

#include "base/errors.h"

namespace limbeck::evaluation {

double pass_at_k(int64_t n, int64_t c, int64_t k) {
  if (c < 0 || c > n || k < 1 || k > n)
    fail("pass_at_k", "expected 0 <= c <= n and 1 <= k <= n but received n={}, c={}, k={}", n, c, k);
  if (n - c < k) return 1;
  double all_wrong = 1;
  for (int64_t i = n - c + 1; i <= n; ++i) all_wrong *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - all_wrong;
}

}  // namespace limbeck::evaluation
