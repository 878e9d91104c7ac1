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

class ArchitectureMetadata {
 public:
  explicit ArchitectureMetadata(const formats::GgufFile& file) : file_(file), json_(file.metadata()) {
    if (!json_.contains("general.architecture") || !json_.at("general.architecture").is_string())
      fail(where(), "general.architecture: expected a string but received none");
    architecture_ = json_.at("general.architecture").get<std::string>();
  }
  std::string where() const { return file_.path().string(); }
  const std::string& architecture() const { return architecture_; }

  // A key of this architecture ("attention.head_count") as it stands, null when absent.
  Json get(const std::string& key) const { return whole(architecture_ + "." + key); }
  Json whole(const std::string& key) const { return json_.contains(key) ? json_.at(key) : Json(); }
  Json need(const std::string& key) const {
    Json value = get(key);
    if (!value.is_number())
      fail(where(), "{}.{}: expected a number but received {}", architecture_, key, printable_value(value));
    return value;
  }

 private:
  const formats::GgufFile& file_;
  const Json& json_;
  std::string architecture_;
};

// fp32 metadata such as 9.99999974e-06 stands for the decimal that it was rounded from, 1e-05.
double as_decimal(const Json& number) {
  if (number.is_number_integer()) return number.get<double>();
  return std::stod(fmt::format("{}", static_cast<float>(number.get<double>())));
}

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

Json scaling_of(const ArchitectureMetadata& m, const formats::GgufFile& file, int64_t head_dim, double theta) {
  const Json type = m.get("rope.scaling.type");
  if (type.is_null() || type == "none") {
    if (file.contains("rope_freqs.weight")) return llama3_scaling(file, head_dim, theta);
    return Json();
  }
  Json scaling{{"rope_type", type}, {"factor", as_decimal(m.need("rope.scaling.factor"))}};
  if (const Json length = m.get("rope.scaling.original_context_length"); length.is_number())
    scaling["original_max_position_embeddings"] = length;
  if (const Json factor = m.get("rope.scaling.attn_factor"); factor.is_number() && factor != 1.0)
    scaling["attention_factor"] = as_decimal(factor);
  return scaling;
}

// Metadata that changes what the model computes and that this family does not have.
void refuse_others(const ArchitectureMetadata& m) {
  if (const Json experts = m.get("expert_count"); experts.is_number() && experts != 0)
    fail(m.where(), "{}.expert_count: expected a dense model but received {} experts", m.architecture(),
         experts.dump());
  for (const char* key : {"logit_scale", "residual_scale", "embedding_scale", "attention.scale"})
    if (const Json scale = m.get(key); scale.is_number() && scale != 1.0 && scale != 0.0)
      fail(m.where(), "{}.{}: expected none but received {}", m.architecture(), key, scale.dump());
}

}  // namespace

DecoderConfig config_of_gguf(const formats::GgufFile& file) {
  const ArchitectureMetadata m(file);
  const Architecture& row = architecture_of_gguf(m.architecture(), m.where());
  refuse_others(m);
  const auto shape = [&](const char* name) {
    if (!file.contains(name)) fail(m.where(), "tensor '{}': expected it but received none", name);
    return file.shape(name);
  };

  Json json{{"architectures", Json::array({row.class_name})}, {"model_type", row.model_type}};
  json["vocab_size"] = shape("token_embd.weight").at(0);
  json["hidden_size"] = m.need("embedding_length");
  json["intermediate_size"] = m.need("feed_forward_length");
  json["num_hidden_layers"] = m.need("block_count");
  json["num_attention_heads"] = m.need("attention.head_count");
  const Json kv_heads = m.get("attention.head_count_kv");
  json["num_key_value_heads"] = kv_heads.is_null() ? json["num_attention_heads"] : kv_heads;
  const Json key_length = m.get("attention.key_length"), rotary = m.get("rope.dimension_count");
  if (key_length.is_number())
    json["head_dim"] = key_length;
  else if (rotary.is_number())
    json["head_dim"] = rotary;
  json["max_position_embeddings"] = m.need("context_length");
  json["rms_norm_eps"] = as_decimal(m.need("attention.layer_norm_rms_epsilon"));
  json["hidden_act"] = "silu";
  json["tie_word_embeddings"] = !file.contains("output.weight");
  if (row.model_type == "llama") {
    json["attention_bias"] = file.contains("blk.0.attn_q.bias");
    json["mlp_bias"] = file.contains("blk.0.ffn_up.bias");
    if (json["attention_bias"] == true && !file.contains("blk.0.attn_output.bias"))
      fail(m.where(), "tensor 'blk.0.attn_output.bias': expected it beside blk.0.attn_q.bias but received none");
  }
  if (const Json window = m.get("attention.sliding_window"); window.is_number() && window != 0)
    fail(m.where(), "{}.attention.sliding_window: expected none but received {}; use the model's Hugging Face folder",
         m.architecture(), window.dump());
  const double theta = m.get("rope.freq_base").is_number() ? as_decimal(m.get("rope.freq_base")) : 10000;
  json["rope_theta"] = theta;
  if (const Json id = m.whole("tokenizer.ggml.bos_token_id"); id.is_number()) json["bos_token_id"] = id;
  Json ends = Json::array();
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})
    if (const Json id = m.whole(key); id.is_number() && std::find(ends.begin(), ends.end(), id) == ends.end())
      ends.push_back(id);
  if (!ends.empty()) json["eos_token_id"] = ends.size() == 1 ? ends[0] : ends;

  DecoderConfig config = read_config(json, m.where());
  if (rotary.is_number() && rotary != config.head_dim)
    fail(m.where(), "{}.rope.dimension_count: expected the head size {} but received {}", m.architecture(),
         config.head_dim, rotary.dump());
  const Json scaling = scaling_of(m, file, config.head_dim, theta);
  if (scaling.is_null()) return config;
  json["rope_scaling"] = scaling;
  return read_config(json, m.where());
}

}  // namespace limbeck::models
