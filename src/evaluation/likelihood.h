// Negative log-likelihood and perplexity of texts under a model, with a bootstrap interval over the texts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/bootstrap.h"
#include "models/language_model.h"

namespace limbeck::evaluation {

// Ids of a text; the first num_prompt of them are given and not counted (at least one: nothing predicts the first
// token).
struct ScoredText {
  std::vector<int32_t> ids;
  int64_t num_prompt = 1;
};

struct Likelihood {
  std::vector<double> nll, num_tokens;  // per text, nats summed and tokens counted
  Interval nll_per_token, perplexity;
};

// Throws UserError when no text has a token to count.
Likelihood likelihood(models::LanguageModel& model, std::span<const ScoredText> texts, const BootstrapOptions& options);

}  // namespace limbeck::evaluation
