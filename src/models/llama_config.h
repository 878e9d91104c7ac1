// What the configs of the Llama family, and of others that name things as it does, have in common.
#pragma once

#include "models/catalog.h"
#include "models/config_reader.h"
#include "models/language_model.h"

namespace limbeck::models {

// hidden_size, intermediate_size, num_hidden_layers, the heads, max_position_embeddings. A layer count from outside is
// checked here, before a list of layers is made by it.
void read_sizes(const ConfigReader& r, DecoderConfig& c);
void write_sizes(const DecoderConfig& c, Json& json);

// head_dim, or hidden_size over the number of heads where it is not given.
int64_t read_head_dim(const ConfigReader& r, const DecoderConfig& c);

// rope_parameters (Transformers 5) or rope_scaling with rope_theta beside it (before).
void read_rope(const ConfigReader& r, DecoderConfig& c);
void write_rope(const DecoderConfig& c, Json& json);

// layer_types -> windowed_layers; false when the key is absent.
bool read_layer_types(const ConfigReader& r, DecoderConfig& c);
void write_layer_types(const DecoderConfig& c, Json& json);

// All of a Llama's config but what its members differ in: window, biases, norms of queries and keys.
void read_llama(const ConfigReader& r, DecoderConfig& c);
void write_llama(const DecoderConfig& c, Json& json);
double count_llama_weights(const DecoderConfig& c);

// The window of Qwen2 and Qwen3: only when use_sliding_window asks for it, and in the upper layers.
void read_qwen_window(const ConfigReader& r, DecoderConfig& c);
void write_qwen_window(const DecoderConfig& c, Json& json);

// llama.cpp's names for the modules of the family.
GgufLayout llama_gguf_layout();

}  // namespace limbeck::models
