#include "recipes/sft.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "data/order.h"
#include "nn/attention_plan.h"
#include "objectives/cross_entropy.h"

namespace limbeck::recipes {
namespace {

objectives::Term next_token_loss(models::LanguageModel& model, const data::Batch& batch, Precision precision) {
  const auto plan = nn::packed_causal(batch.offsets);
  const auto output = model.forward(batch.ids, *plan);
  return objectives::cross_entropy(output.hidden, model.output_weight(), batch.targets, batch.weights,
                                   chunk_options(model, precision));
}

}  // namespace

objectives::ChunkOptions chunk_options(models::LanguageModel& model, Precision precision) {
  return {.precision = precision,
          .low_weight = model.low_output_weight(),
          .bias = model.output_bias(),
          .softcap = model.logit_softcap()};
}

train::Trainable trainable(models::LanguageModel& model) {
  nn::Parameters parameters;
  model.parameters(parameters);
  return {.parameters = parameters.list(), .weights_changed = [&model] { model.weights_changed(); }};
}

train::Step sft_step(models::LanguageModel& model, Precision precision) {
  model.set_precision(precision);
  return [&model, precision](const data::Batch& batch) {
    return objectives::Loss{{next_token_loss(model, batch, precision)}};
  };
}

double mean_loss(models::LanguageModel& model, const std::vector<data::Example>& examples, Precision precision,
                 int64_t max_tokens) {
  return mean_loss(
      [&](const data::Batch& batch) { return objectives::Loss{{next_token_loss(model, batch, precision)}}; }, examples,
      max_tokens);
}

double mean_loss(const train::Step& step, const std::vector<data::Example>& examples, int64_t max_tokens) {
  const at::NoGradGuard no_grad;
  std::vector<int64_t> lengths;
  for (const auto& example : examples) lengths.push_back(static_cast<int64_t>(example.ids.size()));
  std::vector<std::pair<double, double>> totals;  // weighted sum and count of each term
  for (const auto& part : data::split_by_tokens(lengths, max_tokens)) {
    std::vector<data::Example> chosen;
    for (const int64_t index : part) chosen.push_back(examples[index]);
    const auto loss = step(data::collate(chosen));
    totals.resize(loss.terms.size());
    for (std::size_t i = 0; i < totals.size(); ++i) {
      totals[i].first += loss.terms[i].weight * loss.terms[i].sum.item<double>();
      totals[i].second += loss.terms[i].count;
    }
  }
  double mean = 0;
  for (const auto& [sum, count] : totals) {
    if (count == 0)
      fail("mean_loss", "expected texts with at least one target token but received {} without", examples.size());
    mean += sum / count;
  }
  return mean;
}

data::Limits limits_of(const models::Pretrained& source) {
  if (source.eos_ids.empty())
    user_fail("model",
              "expected a model that names its end-of-text token (eos_token_id in config.json) but this one does not");
  const auto& config = source.model->config();
  return {.context = config.max_position_embeddings,
          .vocab_size = config.vocab_size,
          .end_of_text = static_cast<int32_t>(source.eos_ids.front())};
}

}  // namespace limbeck::recipes
