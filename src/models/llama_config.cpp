#include "models/llama_config.h"

#include "base/errors.h"
#include "models/config.h"
#include "models/gguf_keys.h"
#include "models/gguf_model.h"

namespace limbeck::models {

int64_t read_head_dim(const ConfigReader& r, const DecoderConfig& c) {
  return r.has("head_dim") ? r.integer("head_dim") : even_head_dim(c, r.where());
}

void read_sizes(const ConfigReader& r, DecoderConfig& c) {
  c.hidden_size = r.integer("hidden_size");
  c.intermediate_size = r.integer("intermediate_size");
  c.num_hidden_layers = r.integer("num_hidden_layers");
  c.num_attention_heads = r.integer("num_attention_heads");
  c.num_key_value_heads = r.integer("num_key_value_heads", c.num_attention_heads);
  c.head_dim = read_head_dim(r, c);
  c.max_position_embeddings = r.integer("max_position_embeddings", 2048);
  check_num_layers(c.num_hidden_layers, r.where());
}

void write_sizes(const DecoderConfig& c, Json& json) {
  put(json, "hidden_size", c.hidden_size);
  put(json, "intermediate_size", c.intermediate_size);
  put(json, "num_hidden_layers", c.num_hidden_layers);
  put(json, "num_attention_heads", c.num_attention_heads);
  put(json, "num_key_value_heads", c.num_key_value_heads);
  put(json, "head_dim", c.head_dim);
  put(json, "max_position_embeddings", c.max_position_embeddings);
}

void read_rope(const ConfigReader& r, DecoderConfig& c) {
  c.rope_theta = r.number("rope_theta", 10000);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (!r.has(key)) continue;
    if (!r.at(key).is_object())
      fail(r.where(), "{}: expected an object but received {}", key, ConfigReader::brief(r.at(key)));
    c.rope_scaling = r.at(key);
    c.rope_theta = ConfigReader(r.at(key), r.where() + " " + key).number("rope_theta", c.rope_theta);
    break;  // rope_scaling wins where both stand, as in Transformers
  }
  if (!(c.rope_theta > 1)) fail(r.where(), "rope_theta: expected a number above 1 but received {}", c.rope_theta);
  if (r.has("original_max_position_embeddings") && c.rope_scaling.is_object())
    c.rope_scaling["original_max_position_embeddings"] = r.at("original_max_position_embeddings");
}

void write_rope(const DecoderConfig& c, Json& json) {
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

bool read_layer_types(const ConfigReader& r, DecoderConfig& c) {
  if (!r.has("layer_types")) return false;
  const Json& types = r.at("layer_types");
  if (!types.is_array() || static_cast<int64_t>(types.size()) != c.num_hidden_layers)
    fail(r.where(), "layer_types: expected {} entries but received {}", c.num_hidden_layers,
         ConfigReader::brief(types));
  for (const Json& type : types) {
    if (type != "sliding_attention" && type != "full_attention")
      fail(r.where(), "layer_types: expected sliding_attention or full_attention but received {}",
           ConfigReader::brief(type));
    c.windowed_layers.push_back(type == "sliding_attention");
  }
  return true;
}

void write_layer_types(const DecoderConfig& c, Json& json) {
  Json types = Json::array();
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer)
    types.push_back(window_of(c, layer) ? "sliding_attention" : "full_attention");
  put(json, "layer_types", types);
}

void read_llama(const ConfigReader& r, DecoderConfig& c) {
  r.refuse("hidden_act", "silu");
  r.refuse("rope_interleaved", false);
  r.refuse("partial_rotary_factor", 1.0);
  read_sizes(r, c);
  c.rms_norm_eps = r.number("rms_norm_eps", 1e-6);
  c.tie_word_embeddings = r.boolean("tie_word_embeddings", false);
  read_rope(r, c);
  if (c.rope_scaling.is_object())
    ConfigReader(c.rope_scaling, r.where() + " rope_scaling").refuse("partial_rotary_factor", 1.0);
}

void write_llama(const DecoderConfig& c, Json& json) {
  write_sizes(c, json);
  put(json, "hidden_act", "silu");
  put(json, "rms_norm_eps", c.rms_norm_eps);
  put(json, "tie_word_embeddings", c.tie_word_embeddings);
  write_rope(c, json);
}

double count_llama_weights(const DecoderConfig& c) {
  const double width = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.intermediate_size);
  const double queries = static_cast<double>(c.num_attention_heads) * static_cast<double>(c.head_dim);
  const double keys = static_cast<double>(c.num_key_value_heads) * static_cast<double>(c.head_dim);
  double block = 2 * width * queries + 2 * width * keys + 3 * width * inner + 2 * width;
  if (c.qkv_bias || c.attention_bias) block += queries + 2 * keys;
  if (c.attention_bias) block += width;
  if (c.mlp_bias) block += 2 * inner + width;
  if (c.qk_norm) block += 2 * static_cast<double>(c.head_dim);
  return block * static_cast<double>(c.num_hidden_layers) + width + count_vocabulary_weights(c);
}

void read_qwen_window(const ConfigReader& r, DecoderConfig& c) {
  if (!r.boolean("use_sliding_window", false)) return;
  // An absent key means the class's default; a null means none.
  if (r.names("sliding_window") && !r.has("sliding_window")) return;
  c.sliding_window = r.integer("sliding_window", 4096);
  if (read_layer_types(r, c)) return;
  const int64_t first = r.integer("max_window_layers", 28);
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) c.windowed_layers.push_back(layer >= first);
}

void write_qwen_window(const DecoderConfig& c, Json& json) {
  put(json, "use_sliding_window", c.sliding_window.has_value());
  if (!c.sliding_window) {
    json.erase("layer_types");  // of the unsliced model
    return;
  }
  put(json, "sliding_window", *c.sliding_window);
  write_layer_types(c, json);
}

GgufLayout llama_gguf_layout() {
  return {.outside = {{"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}},
          .inside = {{"input_layernorm", "attn_norm"},
                     {"self_attn.q_proj", "attn_q"},
                     {"self_attn.k_proj", "attn_k"},
                     {"self_attn.v_proj", "attn_v"},
                     {"self_attn.q_norm", "attn_q_norm"},
                     {"self_attn.k_norm", "attn_k_norm"},
                     {"self_attn.o_proj", "attn_output"},
                     {"post_attention_layernorm", "ffn_norm"},
                     {"mlp.gate_proj", "ffn_gate"},
                     {"mlp.up_proj", "ffn_up"},
                     {"mlp.down_proj", "ffn_down"}},
          .config = &llama_config_of_gguf,
          .metadata = &put_llama_gguf};
}

}  // namespace limbeck::models
