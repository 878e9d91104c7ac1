// Whether two models that were measured on the same rows differ by more than chance.
#pragma once

#include <cstdint>
#include <span>

#include "base/seeds.h"

namespace limbeck::evaluation {

// McNemar's test, exact (two-sided binomial): of the rows that only one of the two has right, is each as often the one?
// 1 where there is no such row.
double mcnemar_p(int64_t only_a_right, int64_t only_b_right);

// Paired permutation test of the difference of means: the share of random exchanges of a row's two values whose
// difference is at least as far from 0 as the observed one, which counts as one more exchange.
double permutation_p(std::span<const double> a, std::span<const double> b, Seed seed, int64_t num_permutations = 10000);

}  // namespace limbeck::evaluation
