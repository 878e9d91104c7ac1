#include "evaluation/likelihood.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "models/formula_weights.h"

namespace limbeck::evaluation {
namespace {

double nll_by_hand(models::LanguageModel& model, const ScoredText& text) {
  const at::NoGradGuard no_grad;
  const std::vector<int64_t> ids(text.ids.begin(), text.ids.end());
  const auto log_probs = at::log_softmax(models::logits_of_document(model, models::ids_tensor(ids)).to(at::kDouble), 1);
  double sum = 0;
  for (std::size_t t = static_cast<std::size_t>(text.num_prompt); t < ids.size(); ++t)
    sum -= log_probs[static_cast<int64_t>(t) - 1][ids[t]].item<double>();
  return sum;
}

TEST(Likelihood, CountsTheTokensAfterThePromptAndNoOthers) {
  auto model = models::small_model();
  model->freeze(Precision::kFp32);
  const std::vector<ScoredText> texts = {{{1, 5, 9, 13, 20}, 2}, {{7, 8, 9}, 1}, {{30, 31, 32, 33}, 3}};
  const Likelihood likelihood = evaluation::likelihood(*model, texts, {});
  double sum = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_NEAR(likelihood.nll[i], nll_by_hand(*model, texts[i]), 1e-3) << i;
    sum += likelihood.nll[i];
  }
  EXPECT_EQ(likelihood.num_tokens, (std::vector<double>{3, 2, 1}));
  EXPECT_NEAR(likelihood.nll_per_token.value, sum / 6, 1e-9);
  EXPECT_NEAR(likelihood.perplexity.value, std::exp(sum / 6), 1e-6);
  EXPECT_LE(likelihood.perplexity.low, likelihood.perplexity.value);
  EXPECT_GE(likelihood.perplexity.high, likelihood.perplexity.value);
}

TEST(Likelihood, RefusesTextsWithNothingToPredict) {
  auto model = models::small_model();
  model->freeze(Precision::kFp32);
  const std::vector<ScoredText> texts = {{{4}, 1}, {{5, 6}, 2}};
  EXPECT_THROW(likelihood(*model, texts, {}), UserError);
}

}  // namespace
}  // namespace limbeck::evaluation
