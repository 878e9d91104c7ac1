// Choosing the next token from logits. The order is that of Transformers' generate: repetition penalty (over prompt and
// continuation; Keskar et al., arXiv:1909.05858), temperature, top-k, top-p (Holtzman et al., arXiv:1904.09751), min-p
// (Nguyen et al., arXiv:2407.01082). No full sort: a bound from block maxima leaves few candidates to order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace limbeck::kernels {

struct SamplingRule {
  double temperature = 1;  // 0: the most likely token (the lowest id of equal ones); no filter matters then
  int64_t top_k = 0;       // 0: off. Ties with the k-th stay, as in Transformers
  double top_p = 1;        // the fewest most likely tokens with at least this mass
  double min_p = 0;        // tokens with at least this share of the most likely one's probability
  double repetition_penalty = 1;
};

struct Draw {
  int32_t id = -1;      // -1: the logits held a NaN, +inf, or nothing finite
  double log_prob = 0;  // of the token by the logits as they came in, at temperature 1 and before any filter
};

// logits [n]; `seen`: each token of prompt and continuation once, read only where there is a penalty. `uniform` in [0,
// 1) decides. The logits are as before when it returns; during the call they change.
Draw draw(float* logits, int64_t n, const SamplingRule& rule, std::span<const int32_t> seen, double uniform);

struct Candidate {
  int32_t id;
  float logit;    // after the penalty
  double weight;  // e^((logit - largest) / temperature)
};
// What is left to draw from after all filters, most likely first (temperature > 0).
std::vector<Candidate> candidates(float* logits, int64_t n, const SamplingRule& rule, std::span<const int32_t> seen);

// log of the sum of e^logit over [n]; NaN where a logit is NaN or +inf.
double log_sum_exp(const float* logits, int64_t n);

}  // namespace limbeck::kernels
