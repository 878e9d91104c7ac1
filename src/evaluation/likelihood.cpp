#include "evaluation/likelihood.h"

#include <algorithm>
#include <cmath>  // std::exp

#include "base/errors.h"
#include "generate/generate.h"  // score

namespace limbeck::evaluation {

Likelihood likelihood(models::LanguageModel& model, std::span<const ScoredText> texts,
                      const BootstrapOptions& options) {
  std::vector<std::vector<int32_t>> ids;
  for (const auto& text : texts) ids.push_back(text.ids);
  const auto log_probs = generate::score(model, ids);
  Likelihood result;
  double total = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    double sum = 0;
    const auto first = static_cast<std::size_t>(std::max<int64_t>(1, texts[i].num_prompt));
    for (std::size_t t = first; t < log_probs[i].size(); ++t) sum -= log_probs[i][t];
    const double count = log_probs[i].size() > first ? static_cast<double>(log_probs[i].size() - first) : 0;
    result.nll.push_back(sum);
    result.num_tokens.push_back(count);
    total += count;
  }
  if (total == 0)
    user_fail("likelihood", "expected at least one token to predict but received {} texts without any", texts.size());
  const Interval nll = bootstrap_ratio(result.nll, result.num_tokens, options);
  result.nll_per_token = nll;
  result.perplexity = {std::exp(nll.value), std::exp(nll.low),
                       std::exp(nll.high)};  // exp keeps the order, so the interval too
  return result;
}

}  // namespace limbeck::evaluation
