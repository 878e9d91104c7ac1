// An encoder without some of its blocks, chosen by a rule of models/layer_choice.h: how the students of layer-drop,
// logit-kd, swa and others start.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/seeds.h"
#include "data/batch.h"
#include "models/encoder.h"
#include "models/layer_choice.h"

namespace limbeck::recipes {

// The mean cosine of each block's input and output at the first token of the examples, without dropout.
std::vector<double> contribution_scores(models::Encoder& encoder, const std::vector<data::Example>& examples,
                                        int64_t max_tokens = 8192);

// What the rule ranks blocks by; empty for rules that need nothing. `examples`: what contributions are measured on.
std::vector<double> scores_for(models::Encoder& encoder, models::DropRule rule,
                               const std::vector<data::Example>& examples);

// The encoder itself where nothing is dropped.
std::shared_ptr<models::Encoder> drop_layers(const std::shared_ptr<models::Encoder>& encoder,
                                             const models::LayerChoiceOptions& options,
                                             const std::vector<data::Example>& examples, Seed seed);

}  // namespace limbeck::recipes
