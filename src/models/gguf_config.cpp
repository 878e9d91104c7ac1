// The config of a decoder from the metadata of its GGUF file, as the config.json that Transformers would have.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>  // std::abs

#include "base/errors.h"
#include "base/printable.h"
#include "models/catalog.h"
#include "models/config.h"
#include "models/gguf_model.h"
#include "nn/rope.h"

namespace limbeck::models {
namespace {

// Llama 3.1 and later carry per-dimension divisors instead of the four numbers that they come from. The low and high
// factors and the old context were the same in all releases; the largest divisor is the factor. Proved by making the
// divisors again.
Json llama3_scaling(const formats::GgufFile& file, int64_t head_dim, double theta) {
  const at::Tensor divisors = file.read("rope_freqs.weight").to(at::kFloat).contiguous();
  nn::RopeOptions plain;
  plain.head_dim = head_dim;
  plain.theta = theta;
  nn::RopeOptions scaled = plain;
  scaled.kind = nn::RopeKind::kLlama3;
  scaled.factor = divisors.max().item<double>();
  scaled.original_max_positions = 8192;
  const auto before = nn::Rope(plain).inverse_frequencies(), after = nn::Rope(scaled).inverse_frequencies();
  const float* divisor = divisors.const_data_ptr<float>();
  bool equal = divisors.numel() == static_cast<int64_t>(before.size());
  for (std::size_t i = 0; equal && i < before.size(); ++i)
    equal = std::abs(before[i] / after[i] - divisor[i]) <= 1e-3 * std::abs(divisor[i]);
  if (!equal)
    fail(file.path().string(),
         "rope_freqs.weight: expected the divisors of Llama 3.1's scaling but received others; use the "
         "model's Hugging Face folder");
  return Json{{"rope_type", "llama3"},
              {"factor", scaled.factor},
              {"low_freq_factor", 1.0},
              {"high_freq_factor", 4.0},
              {"original_max_position_embeddings", 8192}};
}

Json scaling_of(const GgufMetadata& m, int64_t head_dim, double theta) {
  const formats::GgufFile& file = m.file();
  const Json type = m.get("rope.scaling.type");
  if (type.is_null() || type == "none") {
    if (file.contains("rope_freqs.weight")) return llama3_scaling(file, head_dim, theta);
    return Json();
  }
  Json scaling{{"rope_type", type}, {"factor", m.decimal("rope.scaling.factor")}};
  if (const Json length = m.get("rope.scaling.original_context_length"); length.is_number())
    scaling["original_max_position_embeddings"] = length;
  if (const Json factor = m.get("rope.scaling.attn_factor"); factor.is_number() && factor != 1.0)
    scaling["attention_factor"] = m.decimal("rope.scaling.attn_factor");
  return scaling;
}

// Metadata that changes what the model computes and that this family does not have.
void refuse_others(const GgufMetadata& m) {
  if (const Json experts = m.get("expert_count"); experts.is_number() && experts != 0)
    fail(m.where(), "{}.expert_count: expected a dense model but received {} experts", m.architecture(),
         experts.dump());
  for (const char* key : {"logit_scale", "residual_scale", "embedding_scale", "attention.scale"})
    if (const Json scale = m.get(key); scale.is_number() && scale != 1.0 && scale != 0.0)
      fail(m.where(), "{}.{}: expected none but received {}", m.architecture(), key, scale.dump());
}

// The size of a head in a config.json as far as it is made.
int64_t head_dim_of(const GgufMetadata& m, const Json& json) {
  const auto positive = [&](const char* key) {
    const Json& value = json.at(key);
    if (!value.is_number_integer() || value.get<int64_t>() < 1)
      fail(m.where(), "{}: expected a number above 0 but received {}", key, printable_value(value));
    return value.get<int64_t>();
  };
  return json.contains("head_dim") ? positive("head_dim") : positive("hidden_size") / positive("num_attention_heads");
}

}  // namespace

GgufMetadata::GgufMetadata(const formats::GgufFile& file) : file_(file), json_(file.metadata()) {
  if (!json_.contains("general.architecture") || !json_.at("general.architecture").is_string())
    fail(where(), "general.architecture: expected a string but received none");
  architecture_ = json_.at("general.architecture").get<std::string>();
}

Json GgufMetadata::need(const std::string& key) const {
  Json value = get(key);
  if (!value.is_number())
    fail(where(), "{}.{}: expected a number but received {}", architecture_, key, printable_value(value));
  return value;
}

double GgufMetadata::decimal(const std::string& key) const {
  const Json number = need(key);
  if (number.is_number_integer()) return number.get<double>();
  return std::stod(fmt::format("{}", static_cast<float>(number.get<double>())));
}

double GgufMetadata::decimal(const std::string& key, double absent) const {
  return get(key).is_number() ? decimal(key) : absent;
}

void put_gguf_sizes(const GgufMetadata& m, Json& json) {
  json["hidden_size"] = m.need("embedding_length");
  json["intermediate_size"] = m.need("feed_forward_length");
  json["num_hidden_layers"] = m.need("block_count");
  json["num_attention_heads"] = m.need("attention.head_count");
  const Json kv_heads = m.get("attention.head_count_kv");
  json["num_key_value_heads"] = kv_heads.is_null() ? json["num_attention_heads"] : kv_heads;
  if (const Json key_length = m.get("attention.key_length"); key_length.is_number()) json["head_dim"] = key_length;
  json["max_position_embeddings"] = m.need("context_length");
}

void put_gguf_rope(const GgufMetadata& m, Json& json) {
  const double theta = m.decimal("rope.freq_base", 10000);
  json["rope_theta"] = theta;
  const Json rotary = m.get("rope.dimension_count");
  if (!json.contains("head_dim") && rotary.is_number()) json["head_dim"] = rotary;
  const int64_t head_dim = head_dim_of(m, json);
  if (rotary.is_number() && rotary != head_dim)
    fail(m.where(), "{}.rope.dimension_count: expected the head size {} but received {}", m.architecture(), head_dim,
         rotary.dump());
  if (const Json scaling = scaling_of(m, head_dim, theta); !scaling.is_null()) json["rope_scaling"] = scaling;
}

void llama_config_of_gguf(const GgufMetadata& m, Json& json) {
  put_gguf_sizes(m, json);
  json["rms_norm_eps"] = m.decimal("attention.layer_norm_rms_epsilon");
  json["hidden_act"] = "silu";
  if (const Json window = m.get("attention.sliding_window"); window.is_number() && window != 0)
    fail(m.where(), "{}.attention.sliding_window: expected none but received {}; use the model's Hugging Face folder",
         m.architecture(), window.dump());
  put_gguf_rope(m, json);
}

DecoderConfig config_of_gguf(const formats::GgufFile& file) {
  const GgufMetadata m(file);
  const Architecture& row = architecture_of_gguf(m.architecture(), m.where());
  refuse_others(m);
  if (!file.contains("token_embd.weight") || file.shape("token_embd.weight").empty())
    fail(m.where(), "tensor 'token_embd.weight': expected it but received none");

  Json json{{"architectures", Json::array({row.class_name})}, {"model_type", row.model_type}};
  json["vocab_size"] = file.shape("token_embd.weight").at(0);
  json["tie_word_embeddings"] = !file.contains("output.weight");
  if (const Json id = m.whole("tokenizer.ggml.bos_token_id"); id.is_number()) json["bos_token_id"] = id;
  Json ends = Json::array();
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})
    if (const Json id = m.whole(key); id.is_number() && std::find(ends.begin(), ends.end(), id) == ends.end())
      ends.push_back(id);
  if (!ends.empty()) json["eos_token_id"] = ends.size() == 1 ? ends[0] : ends;
  row.gguf_layout.config(m, json);
  return read_config(json, m.where());
}

}  // namespace limbeck::models
