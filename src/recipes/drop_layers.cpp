#include "recipes/drop_layers.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "data/order.h"
#include "models/layer_scores.h"

namespace limbeck::recipes {

std::vector<double> contribution_scores(models::Encoder& encoder, const std::vector<data::Example>& examples,
                                        int64_t max_tokens) {
  const at::NoGradGuard no_grad;
  std::vector<int64_t> lengths;
  for (const auto& example : examples) lengths.push_back(static_cast<int64_t>(example.ids.size()));
  models::Contribution contribution;
  for (const auto& part : data::split_by_tokens(lengths, max_tokens)) {
    std::vector<data::Example> chosen;
    for (const int64_t index : part) chosen.push_back(examples[static_cast<std::size_t>(index)]);
    const data::Batch batch = data::collate(chosen);
    const auto plan = models::plan_for(encoder.config(), batch.offsets);
    contribution.add(encoder.forward(batch.ids, batch.types, *plan, {.hidden_states = true}).hidden_states,
                     batch.offsets);
  }
  return contribution.scores();
}

std::vector<double> scores_for(models::Encoder& encoder, models::DropRule rule,
                               const std::vector<data::Example>& examples) {
  if (!models::needs_scores(rule)) return {};
  if (rule == models::DropRule::kContribution) return contribution_scores(encoder, examples);
  nn::Parameters parameters;
  encoder.parameters(parameters);
  return models::weight_scores(
      parameters.list(), encoder.config().num_hidden_layers,
      rule == models::DropRule::kParameterSum ? models::WeightScore::kSum : models::WeightScore::kVariance);
}

std::shared_ptr<models::Encoder> drop_layers(const std::shared_ptr<models::Encoder>& encoder,
                                             const models::LayerChoiceOptions& options,
                                             const std::vector<data::Example>& examples, Seed seed) {
  const int64_t num_blocks = encoder->config().num_hidden_layers;
  const auto dropped =
      models::blocks_to_drop(num_blocks, options, scores_for(*encoder, options.rule, examples), seed.derive("layers"));
  return dropped.empty() ? encoder : models::keep_layers(*encoder, models::blocks_to_keep(num_blocks, dropped));
}

}  // namespace limbeck::recipes
