#include "models/gemma.h"

#include <ATen/ATen.h>

#include <cmath>  // std::sqrt

#include "base/errors.h"
#include "models/causal_decoder.h"
#include "models/config.h"
#include "models/gguf_keys.h"
#include "models/gguf_model.h"
#include "models/llama_config.h"
#include "nn/head_norm.h"
#include "nn/mlp.h"

namespace limbeck::models {
namespace {

constexpr auto kOffset = nn::NormWeight::kOffsetFromOne;

struct GemmaTables {
  nn::RopeTable global, local;
};

class GemmaAttention {
 public:
  GemmaAttention(const DecoderConfig& c, const GemmaSettings& s, int64_t layer)
      : layer_(layer),
        local_rope_(s.local_rope && window_of(c, layer)),
        head_norms_(s.head_norms),
        heads_({.queries = c.num_attention_heads, .keys = c.num_key_value_heads}),
        qkv_({.in = c.hidden_size,
              .bias = c.attention_bias,
              .parts = {{"q_proj", c.num_attention_heads * c.head_dim},
                        {"k_proj", c.num_key_value_heads * c.head_dim},
                        {"v_proj", c.num_key_value_heads * c.head_dim}}}),
        o_({.in = c.num_attention_heads * c.head_dim, .out = c.hidden_size, .bias = c.attention_bias}),
        q_norm_(c.head_dim, c.rms_norm_eps, kOffset),
        k_norm_(c.head_dim, c.rms_norm_eps, kOffset),
        options_({.scale = 1 / std::sqrt(s.query_scalar), .window = window_of(c, layer), .softcap = s.score_cap}) {}

  at::Tensor forward(const at::Tensor& x, const GemmaTables& tables, nn::AttentionPlan& plan) {
    at::Tensor qkv = qkv_.forward(x);
    if (head_norms_) qkv = nn::norm_heads(qkv, q_norm_, k_norm_, heads_);
    const nn::Heads heads = nn::rotate_heads(qkv, local_rope_ ? tables.local : tables.global, heads_);
    const at::Tensor mixed = plan.attend(layer_, heads.q, heads.k, heads.v, options_);
    return o_.forward(mixed.reshape({x.size(0), -1}));
  }

  void parameters(nn::Parameters& p) {
    qkv_.parameters(p);
    p.group("o_proj", o_);
    if (!head_norms_) return;
    p.group("q_norm", q_norm_);
    p.group("k_norm", k_norm_);
  }

  template <class F>
  void each_product(F&& f) {
    f(qkv_), f(o_);
  }
  template <class F>
  void each_norm(F&& f) {
    f(q_norm_), f(k_norm_);
  }

 private:
  int64_t layer_;
  bool local_rope_, head_norms_;
  nn::HeadCounts heads_;
  nn::JointLinear qkv_;
  nn::Linear o_;
  nn::RmsNorm q_norm_, k_norm_;  // where head_norms_
  nn::AttentionOptions options_;
};

class GemmaBlock {
 public:
  GemmaBlock(const DecoderConfig& c, const GemmaSettings& s, int64_t layer)
      : before_attention_(c.hidden_size, c.rms_norm_eps, kOffset),
        after_attention_(c.hidden_size, c.rms_norm_eps, kOffset),
        before_mlp_(c.hidden_size, c.rms_norm_eps, kOffset),
        after_mlp_(c.hidden_size, c.rms_norm_eps, kOffset),
        attention_(c, s, layer),
        mlp_({.width = c.hidden_size, .inner = c.intermediate_size, .activation = s.activation}) {}

  void forward(Stream& stream, const GemmaTables& tables, nn::AttentionPlan& plan) {
    stream.delta = after_attention_.forward(attention_.forward(add_and_norm(before_attention_, stream), tables, plan));
    stream.delta = after_mlp_.forward(mlp_.forward(add_and_norm(before_mlp_, stream)));
  }

  void parameters(nn::Parameters& p) {
    p.group("input_layernorm", before_attention_);
    p.group("post_attention_layernorm", after_attention_);
    p.group("pre_feedforward_layernorm", before_mlp_);
    p.group("post_feedforward_layernorm", after_mlp_);
    p.group("self_attn", attention_);
    p.group("mlp", mlp_);
  }

  template <class F>
  void each_product(F&& f) {
    attention_.each_product(f);
    mlp_.each_product(f);
  }
  template <class F>
  void each_norm(F&& f) {
    f(before_attention_), f(after_attention_), f(before_mlp_), f(after_mlp_);
    attention_.each_norm(f);
  }

 private:
  nn::RmsNorm before_attention_, after_attention_, before_mlp_, after_mlp_;
  GemmaAttention attention_;
  nn::GatedMlp mlp_;
};

struct GemmaBody {
  GemmaBody(const DecoderConfig& c, const GemmaSettings& s)
      : config(c),
        embedding(c.vocab_size, c.hidden_size),
        norm(c.hidden_size, c.rms_norm_eps, kOffset),
        global_rope(rope_options(c)),
        logit_cap(s.logit_cap) {
    if (s.local_rope) local_rope.emplace(*s.local_rope);
    blocks.reserve(c.num_hidden_layers);
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) blocks.emplace_back(c, s, layer);
  }

  nn::OutputHead::Shape head() const {
    return {.vocabulary = config.vocab_size,
            .width = config.hidden_size,
            .tied = config.tie_word_embeddings,
            .softcap = logit_cap};
  }
  at::Tensor embed(const at::Tensor& ids, const at::Tensor&) {
    return embedding.forward(ids) * std::sqrt(static_cast<double>(config.hidden_size));
  }
  GemmaTables tables(const at::Tensor& positions) const {
    return {global_rope.table(positions), local_rope ? local_rope->table(positions) : nn::RopeTable{}};
  }
  void parameters(nn::Parameters& p) {
    p.inside("model", [&] {
      p.group("embed_tokens", embedding);
      for (std::size_t i = 0; i < blocks.size(); ++i) p.group(fmt::format("layers.{}", i), blocks[i]);
      p.group("norm", norm);
    });
  }
  template <class F>
  void each_embedding(F&& f) {
    f(embedding);
  }
  static constexpr std::string_view kHead = "lm_head";

  const DecoderConfig& config;
  nn::Embedding embedding;
  std::vector<GemmaBlock> blocks;
  nn::RmsNorm norm;
  nn::Rope global_rope;
  std::optional<nn::Rope> local_rope;
  double logit_cap;
};

bool is_offset_norm(std::string_view name) {
  return name.ends_with("norm.weight");
}

// llama.cpp's converter adds the 1 to the weights of norms.
at::Tensor gemma_to_hub(const at::Tensor& tensor, std::string_view name, const DecoderConfig&) {
  return is_offset_norm(name) ? tensor.to(at::kFloat) - 1 : tensor;
}

at::Tensor gemma_from_hub(const at::Tensor& tensor, std::string_view name, const DecoderConfig&) {
  return is_offset_norm(name) ? tensor.to(at::kFloat) + 1 : tensor;
}

}  // namespace

std::shared_ptr<LanguageModel> make_gemma(const DecoderConfig& config, const GemmaSettings& settings) {
  return std::make_shared<CausalDecoder<GemmaBody>>(config, settings);
}

GemmaSettings read_gemma_settings(const ConfigReader& r, double default_score_cap, double default_logit_cap) {
  const auto cap = [&](const char* key, double absent) {
    if (!r.names(key)) return absent;
    return r.has(key) ? r.positive(key, r.number(key)) : 0.0;
  };
  r.refuse("use_bidirectional_attention", false);
  return {.activation = read_activation(r, r.first_of({"hidden_activation", "hidden_act"}), "gelu_pytorch_tanh"),
          .query_scalar = r.positive("query_pre_attn_scalar", r.number("query_pre_attn_scalar", 256)),
          .score_cap = cap("attn_logit_softcapping", default_score_cap),
          .logit_cap = cap("final_logit_softcapping", default_logit_cap)};
}

void read_gemma(const ConfigReader& r, DecoderConfig& c, int64_t pattern) {
  read_sizes(r, c);
  if (!r.has("head_dim")) c.head_dim = 256;  // the class's default, whatever the width
  c.rms_norm_eps = r.number("rms_norm_eps", 1e-6);
  c.tie_word_embeddings = r.boolean("tie_word_embeddings", true);
  c.attention_bias = c.qkv_bias = r.boolean("attention_bias", false);
  // An absent key means the class's default; a null means none.
  if (!r.names("sliding_window") || r.has("sliding_window")) c.sliding_window = r.integer("sliding_window", 4096);
  if (read_layer_types(r, c)) return;
  if (pattern < 1) fail(r.where(), "sliding_window_pattern: expected at least 1 but received {}", pattern);
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) c.windowed_layers.push_back((layer + 1) % pattern != 0);
}

void write_gemma(const DecoderConfig& c, Json& json) {
  write_sizes(c, json);
  put(json, "rms_norm_eps", c.rms_norm_eps);
  put(json, "tie_word_embeddings", c.tie_word_embeddings);
  put(json, "attention_bias", c.attention_bias);
  put(json, "sliding_window", c.sliding_window ? Json(*c.sliding_window) : Json());
  // By the list and not by window_of: without a window the two kinds of block still turn differently in Gemma 3.
  Json types = Json::array();
  for (const bool windowed : c.windowed_layers) types.push_back(windowed ? "sliding_attention" : "full_attention");
  put(json, "layer_types", types);
}

double count_gemma_weights(const DecoderConfig& c, bool head_norms) {
  DecoderConfig plain = c;
  plain.qk_norm = head_norms;
  plain.mlp_bias = false;
  return count_llama_weights(plain) + 2 * static_cast<double>(c.hidden_size) * static_cast<double>(c.num_hidden_layers);
}

void gemma_config_of_gguf(const GgufMetadata& m, Json& json, int64_t layers_of_27b) {
  put_gguf_sizes(m, json);
  json["rms_norm_eps"] = m.decimal("attention.layer_norm_rms_epsilon");
  json["hidden_activation"] = "gelu_pytorch_tanh";
  const Json window = m.get("attention.sliding_window");
  json["sliding_window"] = window.is_number() ? window : Json(4096);
  const int64_t head =
      json.contains("head_dim") && json.at("head_dim").is_number_integer() ? json.at("head_dim").get<int64_t>() : 256;
  const double width = m.need("embedding_length").get<double>(), heads = m.need("attention.head_count").get<double>();
  json["head_dim"] = head;
  json["query_pre_attn_scalar"] =
      m.need("block_count") == layers_of_27b && heads > 0 ? Json(width / heads) : Json(head);
}

void put_gemma_gguf(const DecoderConfig& c, const GemmaSettings& s, int64_t layers_of_27b, GgufKeys& keys) {
  const ConfigReader r(c.original, c.model_type);
  keys.expect(s.activation == nn::Activation::kGeluTanh, "hidden_activation", "gelu_pytorch_tanh",
              r.text(r.first_of({"hidden_activation", "hidden_act"}), ""));
  keys.expect(!c.attention_bias, "attention_bias", "false", "true");
  const double scalar = c.num_hidden_layers == layers_of_27b
                            ? static_cast<double>(c.hidden_size) / static_cast<double>(c.num_attention_heads)
                            : static_cast<double>(c.head_dim);
  keys.expect(s.query_scalar == scalar, "query_pre_attn_scalar", fmt::to_string(scalar),
              fmt::to_string(s.query_scalar));
  keys.sizes();
  keys.head_sizes();
  keys.number("attention.layer_norm_rms_epsilon", c.rms_norm_eps);
  // A window as wide as the context is none.
  keys.count("attention.sliding_window", c.sliding_window.value_or(c.max_position_embeddings));
}

GgufLayout gemma_gguf_layout() {
  return {.outside = {{"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}},
          .inside = {{"input_layernorm", "attn_norm"},
                     {"post_attention_layernorm", "post_attention_norm"},
                     {"pre_feedforward_layernorm", "ffn_norm"},
                     {"post_feedforward_layernorm", "post_ffw_norm"},
                     {"self_attn.q_proj", "attn_q"},
                     {"self_attn.k_proj", "attn_k"},
                     {"self_attn.v_proj", "attn_v"},
                     {"self_attn.q_norm", "attn_q_norm"},
                     {"self_attn.k_norm", "attn_k_norm"},
                     {"self_attn.o_proj", "attn_output"},
                     {"mlp.gate_proj", "ffn_gate"},
                     {"mlp.up_proj", "ffn_up"},
                     {"mlp.down_proj", "ffn_down"}},
          .to_hub = &gemma_to_hub,
          .from_hub = &gemma_from_hub};
}

}  // namespace limbeck::models
