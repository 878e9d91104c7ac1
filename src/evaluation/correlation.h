// Correlations of predicted and true scores; 0 where one side is constant.
#pragma once

#include <span>
#include <vector>

namespace limbeck::evaluation {

double pearson(std::span<const double> a, std::span<const double> b);
double spearman(std::span<const double> a,
                std::span<const double> b);                      // pearson of the ranks; equal values share theirs
std::vector<double> mean_ranks(std::span<const double> values);  // from 1

}  // namespace limbeck::evaluation
