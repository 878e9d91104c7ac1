#include "models/config.h"

#include <cmath>  // std::isfinite

#include "base/errors.h"
#include "models/catalog.h"

namespace limbeck::models {
namespace {

// Typed reads of one JSON object; a null counts as absent, as in Hugging Face configs.
class Reader {
 public:
  Reader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  bool has(const char* key) const { return object_.contains(key) && !object_.at(key).is_null(); }
  int64_t integer(const char* key) const {
    if (!has(key)) fail(where_, "{}: expected an integer but the key is missing", key);
    const Json& value = object_.at(key);
    // A number beyond int64 reads as unsigned or as a float: neither is a size.
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX))
      fail(where_, "{}: expected an integer but received {}", key, brief(value));
    return value.get<int64_t>();
  }
  int64_t integer(const char* key, int64_t absent) const { return has(key) ? integer(key) : absent; }
  double number(const char* key) const {
    if (!has(key)) fail(where_, "{}: expected a number but the key is missing", key);
    const Json& value = object_.at(key);
    if (!value.is_number() || !std::isfinite(value.get<double>()))
      fail(where_, "{}: expected a number but received {}", key, brief(value));
    return value.get<double>();
  }
  double number(const char* key, double absent) const { return has(key) ? number(key) : absent; }
  std::optional<double> optional_number(const char* key) const {
    return has(key) ? std::optional<double>(number(key)) : std::nullopt;
  }
  double positive(const char* key, double value) const {
    if (!(value > 0)) fail(where_, "{}: expected a number above 0 but received {}", key, value);
    return value;
  }
  bool boolean(const char* key, bool absent) const {
    if (!has(key)) return absent;
    if (!object_.at(key).is_boolean())
      fail(where_, "{}: expected true or false but received {}", key, brief(object_.at(key)));
    return object_.at(key).get<bool>();
  }
  std::string text(const char* key, const std::string& absent) const {
    if (!has(key)) return absent;
    if (!object_.at(key).is_string())
      fail(where_, "{}: expected a string but received {}", key, brief(object_.at(key)));
    return object_.at(key).get<std::string>();
  }
  const Json& at(const char* key) const { return object_.at(key); }
  const std::string& where() const { return where_; }

  static std::string brief(const Json& value) {
    const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() <= 60 ? text : fmt::format("{}...", text.substr(0, 57));
  }

 private:
  const Json& object_;
  std::string where_;
};

// A setting that this family does not implement, with the one value that means "off".
void refuse(const Reader& r, const char* key, const Json& allowed) {
  if (r.has(key) && r.at(key) != allowed)
    fail(r.where(), "{}: expected {} but received {}; Limbeck does not implement it", key, allowed.dump(),
         Reader::brief(r.at(key)));
}

std::vector<int64_t> token_ids(const Reader& r, const char* key) {
  std::vector<int64_t> ids;
  if (!r.has(key)) return ids;
  const Json list = r.at(key).is_array() ? r.at(key) : Json::array({r.at(key)});
  for (const Json& id : list) {
    if (!id.is_number_integer())
      fail(r.where(), "{}: expected token ids but received {}", key, Reader::brief(r.at(key)));
    ids.push_back(id.get<int64_t>());
  }
  return ids;
}

void read_window(const Reader& r, DecoderConfig& c) {
  // Llama has none, whatever its config says; Qwen2 has one only when use_sliding_window asks for it.
  if (c.model_type == "llama") return;
  if (c.model_type == "qwen2" && !r.boolean("use_sliding_window", false)) return;
  // An absent key means the class's default; a null means none.
  if (r.has("sliding_window")) {
    c.sliding_window = r.integer("sliding_window");
    if (*c.sliding_window < 1)
      fail(r.where(), "sliding_window: expected at least 1 but received {}", *c.sliding_window);
  } else if (!c.original.contains("sliding_window")) {
    c.sliding_window = 4096;
  }
  if (c.model_type != "qwen2" || !c.sliding_window) return;

  if (r.has("layer_types")) {
    const Json& types = r.at("layer_types");
    if (!types.is_array() || static_cast<int64_t>(types.size()) != c.num_hidden_layers)
      fail(r.where(), "layer_types: expected {} entries but received {}", c.num_hidden_layers, Reader::brief(types));
    for (const Json& type : types) {
      if (type != "sliding_attention" && type != "full_attention")
        fail(r.where(), "layer_types: expected sliding_attention or full_attention but received {}",
             Reader::brief(type));
      c.windowed_layers.push_back(type == "sliding_attention");
    }
    return;
  }
  const int64_t first = r.integer("max_window_layers", 28);
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) c.windowed_layers.push_back(layer >= first);
}

// rope_parameters (Transformers 5) or rope_scaling with rope_theta beside it (before).
void read_rope(const Reader& r, DecoderConfig& c) {
  c.rope_theta = r.number("rope_theta", 10000);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (!r.has(key)) continue;
    if (!r.at(key).is_object())
      fail(r.where(), "{}: expected an object but received {}", key, Reader::brief(r.at(key)));
    c.rope_scaling = r.at(key);
    c.rope_theta = Reader(r.at(key), r.where() + " " + key).number("rope_theta", c.rope_theta);
    break;  // rope_scaling wins where both stand, as in Transformers
  }
  if (!(c.rope_theta > 1)) fail(r.where(), "rope_theta: expected a number above 1 but received {}", c.rope_theta);
  if (r.has("original_max_position_embeddings") && c.rope_scaling.is_object())
    c.rope_scaling["original_max_position_embeddings"] = r.at("original_max_position_embeddings");
}

}  // namespace

void check_config(const DecoderConfig& c, const std::string& where) {
  const auto within = [&](const char* key, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high) fail(where, "{}: expected {} to {} but received {}", key, low, high, value);
  };
  // The upper bounds are far beyond any model of this family; they keep a hostile file from asking for absurd memory.
  within("vocab_size", c.vocab_size, 1, 16'777'216);
  within("hidden_size", c.hidden_size, 1, 1'048'576);
  within("intermediate_size", c.intermediate_size, 1, 4'194'304);
  within("num_hidden_layers", c.num_hidden_layers, 1, 10'000);
  within("num_attention_heads", c.num_attention_heads, 1, 65'536);
  within("num_key_value_heads", c.num_key_value_heads, 1, c.num_attention_heads);
  within("head_dim", c.head_dim, 2, 65'536);
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

double count_weights(const DecoderConfig& c) {
  const double width = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.intermediate_size);
  const double queries = static_cast<double>(c.num_attention_heads) * static_cast<double>(c.head_dim);
  const double keys = static_cast<double>(c.num_key_value_heads) * static_cast<double>(c.head_dim);
  double block = 2 * width * queries + 2 * width * keys + 3 * width * inner + 2 * width;
  if (c.qkv_bias || c.attention_bias) block += queries + 2 * keys;
  if (c.attention_bias) block += width;
  if (c.mlp_bias) block += 2 * inner + width;
  const double tables = static_cast<double>(c.vocab_size) * width * (c.tie_word_embeddings ? 1 : 2);
  return block * static_cast<double>(c.num_hidden_layers) + tables + width;
}

DecoderConfig read_config(const Json& config_json, const std::string& where) {
  if (!config_json.is_object()) fail(where, "expected a JSON object but received {}", Reader::brief(config_json));
  const Reader r(config_json, where);
  DecoderConfig c;
  c.original = config_json;
  if (!r.has("model_type")) fail(where, "model_type: expected a string but the key is missing");
  c.model_type = r.text("model_type", "");
  architecture_of(c.model_type, where);

  refuse(r, "hidden_act", "silu");
  refuse(r, "rope_interleaved", false);
  refuse(r, "partial_rotary_factor", 1.0);
  if (r.has("quantization_config"))
    fail(where, "quantization_config: expected plain weights but received {}",
         Reader::brief(r.at("quantization_config")));

  c.vocab_size = r.integer("vocab_size");
  c.hidden_size = r.integer("hidden_size");
  c.intermediate_size = r.integer("intermediate_size");
  c.num_hidden_layers = r.integer("num_hidden_layers");
  c.num_attention_heads = r.integer("num_attention_heads");
  c.num_key_value_heads = r.integer("num_key_value_heads", c.num_attention_heads);
  if (r.has("head_dim")) {
    c.head_dim = r.integer("head_dim");
  } else {
    if (c.num_attention_heads < 1 || c.hidden_size % c.num_attention_heads != 0)
      fail(where, "num_attention_heads: expected a divisor of hidden_size {} but received {}", c.hidden_size,
           c.num_attention_heads);
    c.head_dim = c.hidden_size / c.num_attention_heads;
  }
  c.max_position_embeddings = r.integer("max_position_embeddings", 2048);
  c.rms_norm_eps = r.number("rms_norm_eps", 1e-6);
  c.initializer_range = r.number("initializer_range", 0.02);
  c.tie_word_embeddings = r.boolean("tie_word_embeddings", false);
  if (c.model_type == "llama") {
    c.attention_bias = c.qkv_bias = r.boolean("attention_bias", false);
    c.mlp_bias = r.boolean("mlp_bias", false);
  } else {
    c.qkv_bias = c.model_type == "qwen2";  // not a key: the architecture has it
    refuse(r, "attention_bias", false);
    refuse(r, "mlp_bias", false);
  }
  if (r.has("bos_token_id")) c.bos_token_id = r.integer("bos_token_id");
  c.eos_token_ids = token_ids(r, "eos_token_id");
  read_rope(r, c);
  // Before the window's list of layers is made: a layer count from outside is not trusted for a size.
  if (c.num_hidden_layers < 1 || c.num_hidden_layers > 10'000)
    fail(where, "num_hidden_layers: expected 1 to 10000 but received {}", c.num_hidden_layers);
  read_window(r, c);
  check_config(c, where);
  return c;
}

nn::RopeOptions rope_options(const DecoderConfig& c) {
  nn::RopeOptions o;
  o.head_dim = c.head_dim;
  o.theta = c.rope_theta;
  o.max_positions = o.original_max_positions = c.max_position_embeddings;
  if (!c.rope_scaling.is_object()) return o;
  const Reader r(c.rope_scaling, "rope_scaling");
  const std::string type = r.text("rope_type", r.text("type", "default"));
  refuse(r, "partial_rotary_factor", 1.0);
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
