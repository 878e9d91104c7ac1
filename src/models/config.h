// What the models read out of a DecoderConfig beside its plain numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/config_reader.h"
#include "models/language_model.h"
#include "nn/activation.h"
#include "nn/rope.h"

namespace limbeck::models {

// Throws Error naming the first key that no model can be made of: sizes of 0 or beyond any real model, head counts that
// do not divide, an odd head size.
void check_config(const DecoderConfig& config, const std::string& where);
void check_num_layers(int64_t num_hidden_layers, const std::string& where);

// hidden_size over the number of heads, which must divide it.
int64_t even_head_dim(const DecoderConfig& config, const std::string& where);

// The width of the feed-forward block: what the key says, or four times hidden_size without it.
int64_t read_inner_size(const ConfigReader& config_json, const char* key, const DecoderConfig& config);

// The activation that a key names, `absent` without one; throws where it is not implemented.
nn::Activation read_activation(const ConfigReader& config_json, const char* key, const std::string& absent);

// The rotary embedding that config.rope_scaling asks for; an unknown type or a setting without its number throws.
nn::RopeOptions rope_options(const DecoderConfig& config);

// How far back layer `layer` sees, none for everything.
std::optional<int64_t> window_of(const DecoderConfig& config, int64_t layer);

// config.json of the model: what was read, with what has changed since (layers, stored precision); opens in
// Transformers.
Json write_config(const DecoderConfig& config, Precision stored);
// generation_config.json: what was read, or the ids that begin and end a text.
Json write_generation_config(const DecoderConfig& config);

// The number of weights that a model of this config has, tied ones once. A double: a hostile config may ask for more
// than int64 holds.
double count_weights(const DecoderConfig& config);
// Those of the embedding and of the output weight where it is not the same.
double count_vocabulary_weights(const DecoderConfig& config);

}  // namespace limbeck::models
