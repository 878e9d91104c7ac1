// Figures of ranked answers. Answers of equal score stand in every order equally often: a figure is the mean over these
// orders (McSherry and Najork, ECIR 2008), so that the order of the rows says nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace limbeck::evaluation {

struct Ranked {
  double score = 0;
  bool relevant = false;
};

// Of one question's answers. None where no answer is relevant: such a question is not counted.
std::optional<double> average_precision(std::vector<Ranked> answers);
std::optional<double> reciprocal_rank(std::vector<Ranked> answers);

}  // namespace limbeck::evaluation
