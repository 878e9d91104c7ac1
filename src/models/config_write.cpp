// A DecoderConfig as the config.json and generation_config.json that Transformers reads.
#include "models/catalog.h"
#include "models/config.h"

namespace limbeck::models {
namespace {

// Changes a key where it stands or adds it; a value that is already there keeps its spelling (8 and 8.0 are the same).
void put(Json& object, const char* key, const Json& value) {
  if (!object.contains(key) || object.at(key) != value) object[key] = value;
}

void put_window(Json& json, const DecoderConfig& c) {
  if (c.model_type == "mistral") put(json, "sliding_window", c.sliding_window ? Json(*c.sliding_window) : Json());
  if (c.model_type != "qwen2") return;
  put(json, "use_sliding_window", c.sliding_window.has_value());
  if (!c.sliding_window) {
    json.erase("layer_types");  // of the unsliced model
    return;
  }
  put(json, "sliding_window", *c.sliding_window);
  Json types = Json::array();
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer)
    types.push_back(window_of(c, layer) ? "sliding_attention" : "full_attention");
  put(json, "layer_types", types);
}

void put_rope(Json& json, const DecoderConfig& c) {
  const bool as_parameters = json.contains("rope_parameters") && !json.contains("rope_scaling");
  if (as_parameters) {
    if (!json["rope_parameters"].is_object()) json["rope_parameters"] = Json{{"rope_type", "default"}};
    if (c.rope_scaling.is_object()) json["rope_parameters"] = c.rope_scaling;
    put(json["rope_parameters"], "rope_theta", c.rope_theta);
    return;
  }
  put(json, "rope_theta", c.rope_theta);
  if (c.rope_scaling.is_object()) put(json, "rope_scaling", c.rope_scaling);
}

}  // namespace

Json write_config(const DecoderConfig& c, Precision stored) {
  Json json = c.original.is_object() ? c.original : Json::object();
  const Architecture& row = architecture_of(c.model_type, "write_config");
  put(json, "architectures", Json::array({row.class_name}));
  put(json, "model_type", c.model_type);
  put(json, "vocab_size", c.vocab_size);
  put(json, "hidden_size", c.hidden_size);
  put(json, "intermediate_size", c.intermediate_size);
  put(json, "num_hidden_layers", c.num_hidden_layers);
  put(json, "num_attention_heads", c.num_attention_heads);
  put(json, "num_key_value_heads", c.num_key_value_heads);
  put(json, "head_dim", c.head_dim);
  put(json, "hidden_act", "silu");
  put(json, "max_position_embeddings", c.max_position_embeddings);
  put(json, "rms_norm_eps", c.rms_norm_eps);
  put(json, "initializer_range", c.initializer_range);
  put(json, "tie_word_embeddings", c.tie_word_embeddings);
  if (c.model_type == "llama") {
    put(json, "attention_bias", c.attention_bias);
    put(json, "mlp_bias", c.mlp_bias);
  }
  put_window(json, c);
  put_rope(json, c);
  put(json, "bos_token_id", c.bos_token_id ? Json(*c.bos_token_id) : Json());
  const Json end = c.eos_token_ids.size() == 1 ? Json(c.eos_token_ids[0]) : Json(c.eos_token_ids);
  put(json, "eos_token_id", c.eos_token_ids.empty() ? Json() : end);
  // Transformers 5 writes "dtype", older ones "torch_dtype"; each reads the older name.
  const char* dtype = json.contains("dtype") ? "dtype" : "torch_dtype";
  put(json, dtype, stored == Precision::kBf16 ? "bfloat16" : "float32");
  return json;
}

Json write_generation_config(const DecoderConfig& c) {
  if (c.generation.is_object()) return c.generation;
  Json json = Json::object();
  if (c.bos_token_id) json["bos_token_id"] = *c.bos_token_id;
  if (c.eos_token_ids.size() == 1) json["eos_token_id"] = c.eos_token_ids[0];
  if (c.eos_token_ids.size() > 1) json["eos_token_id"] = c.eos_token_ids;
  return json;
}

}  // namespace limbeck::models
