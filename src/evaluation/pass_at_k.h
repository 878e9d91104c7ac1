// pass@k: the chance that at least one of k samples is right, unbiased from n >= k samples (Chen et al. 2021,
// arXiv:2107.03374, eq. 1).
#pragma once

#include <cstdint>

namespace limbeck::evaluation {

// 1 - C(n-c, k) / C(n, k) for c right ones of n, as a product that neither overflows nor cancels. Throws Error unless
// 0 <= c <= n and 1 <= k <= n.
double pass_at_k(int64_t n, int64_t c, int64_t k);

}  // namespace limbeck::evaluation
