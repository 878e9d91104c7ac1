// The most likely next tokens of a row of logits, and what is left for all others.
#pragma once

#include <cstdint>
#include <vector>

namespace limbeck::generate {

struct TopLogProbs {
  std::vector<int32_t> ids;      // most likely first; of equal ones the lower id
  std::vector<float> log_probs;  // of the softmax at temperature 1 over the whole row
  double rest = 0;               // mass of all other tokens
};

// logits [n]; k is taken as n where it is larger. Throws Error when a logit is NaN or +infinity, or none is finite.
TopLogProbs top_log_probs(const float* logits, int64_t n, int64_t k);

}  // namespace limbeck::generate
