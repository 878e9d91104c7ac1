#include "models/config.h"

#include "base/errors.h"
#include "models/catalog.h"
#include "models/config_reader.h"

namespace limbeck::models {
namespace {

// Far beyond any model; they keep a hostile file from asking for absurd memory.
constexpr int64_t kLargestWidth = 1'048'576, kLargestHead = 65'536;

}  // namespace

void check_num_layers(int64_t num_hidden_layers, const std::string& where) {
  if (num_hidden_layers < 1 || num_hidden_layers > 10'000)
    fail(where, "num_hidden_layers: expected 1 to 10000 but received {}", num_hidden_layers);
}

int64_t even_head_dim(const DecoderConfig& c, const std::string& where) {
  if (c.num_attention_heads < 1 || c.hidden_size % c.num_attention_heads != 0)
    fail(where, "num_attention_heads: expected a divisor of hidden_size {} but received {}", c.hidden_size,
         c.num_attention_heads);
  const int64_t head_dim = c.hidden_size / c.num_attention_heads;
  if (head_dim < 2 || head_dim > kLargestHead)
    fail(where, "hidden_size: expected {} heads of 2 to {} numbers each but received {}", c.num_attention_heads,
         kLargestHead, c.hidden_size);
  return head_dim;
}

int64_t read_inner_size(const ConfigReader& r, const char* key, const DecoderConfig& c) {
  if (r.has(key)) return r.integer(key);
  return c.hidden_size <= kLargestWidth ? 4 * c.hidden_size : c.hidden_size;  // too large in any case
}

nn::Activation read_activation(const ConfigReader& r, const char* key, const std::string& absent) {
  const std::string name = r.text(key, absent);
  const auto activation = nn::activation_named(name);
  if (!activation)
    fail(r.where(), "{}: expected gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, silu or relu but received {}", key,
         ConfigReader::brief(name));
  return *activation;
}

void check_config(const DecoderConfig& c, const std::string& where) {
  const auto within = [&](const char* key, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high) fail(where, "{}: expected {} to {} but received {}", key, low, high, value);
  };
  within("vocab_size", c.vocab_size, 1, 16'777'216);
  within("hidden_size", c.hidden_size, 1, kLargestWidth);
  within("intermediate_size", c.intermediate_size, 1, 4'194'304);
  check_num_layers(c.num_hidden_layers, where);
  within("num_attention_heads", c.num_attention_heads, 1, 65'536);
  within("num_key_value_heads", c.num_key_value_heads, 1, c.num_attention_heads);
  within("head_dim", c.head_dim, 2, kLargestHead);
  within("max_position_embeddings", c.max_position_embeddings, 1, int64_t{1} << 40);
  if (c.num_attention_heads % c.num_key_value_heads != 0)
    fail(where, "num_key_value_heads: expected a divisor of num_attention_heads {} but received {}",
         c.num_attention_heads, c.num_key_value_heads);
  if (c.head_dim % 2 != 0) fail(where, "head_dim: expected an even number but received {}", c.head_dim);
  if (!(c.rms_norm_eps >= 0) || c.rms_norm_eps > 1)
    fail(where, "rms_norm_eps: expected 0 to 1 but received {}", c.rms_norm_eps);
  if (c.sliding_window && *c.sliding_window < 1)
    fail(where, "sliding_window: expected at least 1 but received {}", *c.sliding_window);
  if (!c.windowed_layers.empty() && static_cast<int64_t>(c.windowed_layers.size()) != c.num_hidden_layers)
    fail(where, "layer_types: expected {} entries but received {}", c.num_hidden_layers, c.windowed_layers.size());
  architecture_of(c.model_type, where);
  rope_options(c);
}

std::optional<int64_t> window_of(const DecoderConfig& config, int64_t layer) {
  if (!config.windowed_layers.empty() && !config.windowed_layers[layer]) return std::nullopt;
  return config.sliding_window;
}

double count_vocabulary_weights(const DecoderConfig& c) {
  return static_cast<double>(c.vocab_size) * static_cast<double>(c.hidden_size) * (c.tie_word_embeddings ? 1 : 2);
}

double count_weights(const DecoderConfig& c) {
  return architecture_of(c.model_type, "count_weights").count_weights(c);
}

DecoderConfig read_config(const Json& config_json, const std::string& where) {
  if (!config_json.is_object()) fail(where, "expected a JSON object but received {}", ConfigReader::brief(config_json));
  const ConfigReader r(config_json, where);
  DecoderConfig c;
  c.original = config_json;
  if (!r.has("model_type")) fail(where, "model_type: expected a string but the key is missing");
  c.model_type = r.text("model_type", "");
  const Architecture& row = architecture_of(c.model_type, where);
  if (r.has("quantization_config"))
    fail(where, "quantization_config: expected plain weights but received {}",
         ConfigReader::brief(r.at("quantization_config")));
  c.vocab_size = r.integer("vocab_size");
  c.initializer_range = r.number("initializer_range", 0.02);
  if (r.has("bos_token_id")) c.bos_token_id = r.integer("bos_token_id");
  c.eos_token_ids = r.token_ids("eos_token_id");
  row.read(r, c);
  check_config(c, where);
  return c;
}

nn::RopeOptions rope_options(const DecoderConfig& c) {
  nn::RopeOptions o;
  o.head_dim = c.head_dim;
  o.theta = c.rope_theta;
  o.max_positions = o.original_max_positions = c.max_position_embeddings;
  if (!c.rope_scaling.is_object()) return o;
  const ConfigReader r(c.rope_scaling, "rope_scaling");
  const std::string type = r.text("rope_type", r.text("type", "default"));
  if (type == "default") return o;

  if (type == "yarn" && !r.has("factor"))
    o.factor = static_cast<double>(c.max_position_embeddings) /
               r.positive("original_max_position_embeddings", r.number("original_max_position_embeddings"));
  else
    o.factor = r.number("factor");
  r.positive("factor", o.factor);
  o.original_max_positions = r.integer("original_max_position_embeddings", c.max_position_embeddings);
  r.positive("original_max_position_embeddings", static_cast<double>(o.original_max_positions));
  if (type == "linear") {
    o.kind = nn::RopeKind::kLinear;
  } else if (type == "dynamic") {
    o.kind = nn::RopeKind::kDynamic;
    if (c.head_dim <= 2)
      fail("rope_scaling", "head_dim: expected more than 2 for dynamic scaling but received {}", c.head_dim);
  } else if (type == "llama3") {
    o.kind = nn::RopeKind::kLlama3;
    o.low_freq_factor = r.positive("low_freq_factor", r.number("low_freq_factor"));
    o.high_freq_factor = r.positive("high_freq_factor", r.number("high_freq_factor"));
    if (o.high_freq_factor <= o.low_freq_factor)
      fail("rope_scaling", "high_freq_factor: expected more than low_freq_factor {} but received {}", o.low_freq_factor,
           o.high_freq_factor);
  } else if (type == "yarn") {
    o.kind = nn::RopeKind::kYarn;
    const auto or_default = [&](const char* key, double value) {  // 0 counts as absent, as in Transformers
      const double given = r.number(key, value);
      return r.positive(key, given == 0 ? value : given);
    };
    o.beta_fast = or_default("beta_fast", 32);
    o.beta_slow = or_default("beta_slow", 1);
    o.attention_factor = r.optional_number("attention_factor");
    o.mscale = r.optional_number("mscale");
    o.mscale_all_dim = r.optional_number("mscale_all_dim");
    o.truncate = r.boolean("truncate", true);
  } else {
    fail("rope_scaling", "rope_type: expected default, linear, dynamic, llama3 or yarn but received '{}'", type);
  }
  return o;
}

}  // namespace limbeck::models
