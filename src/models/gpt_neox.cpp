#include "models/gpt_neox.h"

#include <ATen/ATen.h>

#include <cmath>  // std::sqrt

#include "base/errors.h"
#include "models/causal_decoder.h"
#include "models/config.h"
#include "models/gguf_keys.h"
#include "models/gguf_model.h"
#include "models/llama_config.h"
#include "nn/layer_norm.h"
#include "nn/mlp.h"
#include "nn/rope.h"

namespace limbeck::models {
namespace {

struct NeoxSettings {
  double epsilon = 1e-5;
  nn::Activation activation = nn::Activation::kGelu;
  bool parallel = true;  // attention and feed-forward read the same stream
  bool attention_bias = true;
  int64_t rotary_dim = 0;  // of each head
};

// rotary_pct, or partial_rotary_factor among the rope_parameters of Transformers 5.
double neox_rotary_share(const ConfigReader& r) {
  const double share = r.number("rotary_pct", 0.25);
  if (!r.has("rope_parameters") || !r.at("rope_parameters").is_object()) return share;
  return ConfigReader(r.at("rope_parameters"), r.where() + " rope_parameters").number("partial_rotary_factor", share);
}

NeoxSettings neox_settings(const ConfigReader& r, const DecoderConfig& c) {
  const double share = neox_rotary_share(r);
  if (!(share > 0) || share > 1) fail(r.where(), "rotary_pct: expected above 0 to 1 but received {}", share);
  const NeoxSettings s{.epsilon = r.number("layer_norm_eps", 1e-5),
                       .activation = read_activation(r, "hidden_act", "gelu"),
                       .parallel = r.boolean("use_parallel_residual", true),
                       .attention_bias = r.boolean("attention_bias", true),
                       .rotary_dim = static_cast<int64_t>(static_cast<double>(c.head_dim) * share)};
  if (s.rotary_dim < 2 || s.rotary_dim % 2 != 0)
    fail(r.where(), "rotary_pct: expected an even share of the head size {} but received {}", c.head_dim, share);
  return s;
}

nn::RopeOptions neox_rope(const DecoderConfig& c, int64_t rotary_dim) {
  nn::RopeOptions options = rope_options(c);
  options.head_dim = rotary_dim;
  return options;
}

class NeoxBlock {
 public:
  NeoxBlock(const DecoderConfig& c, const NeoxSettings& s, int64_t layer)
      : layer_(layer),
        parallel_(s.parallel),
        heads_({.queries = c.num_attention_heads, .keys = c.num_attention_heads, .head_dim = c.head_dim}),
        attention_norm_(c.hidden_size, s.epsilon),
        mlp_norm_(c.hidden_size, s.epsilon),
        qkv_({.in = c.hidden_size,
              .out = 3 * c.hidden_size,
              .bias = s.attention_bias,
              .layout = {.heads = c.num_attention_heads}}),
        out_({.in = c.hidden_size, .out = c.hidden_size, .bias = s.attention_bias}),
        mlp_({.width = c.hidden_size,
              .inner = c.intermediate_size,
              .activation = s.activation,
              .in_name = "dense_h_to_4h",
              .out_name = "dense_4h_to_h"}),
        options_({.scale = 1 / std::sqrt(static_cast<double>(c.head_dim)), .window = {}}) {}

  void forward(Stream& stream, const nn::RopeTable& table, nn::AttentionPlan& plan) {
    const nn::Heads heads = nn::rotate_heads(qkv_.forward(add_and_norm(attention_norm_, stream)), table, heads_);
    const at::Tensor mixed = plan.attend(layer_, heads.q, heads.k, heads.v, options_);
    const at::Tensor attended = out_.forward(mixed.reshape({mixed.size(0), -1}));
    if (parallel_) {
      stream.delta = mlp_.forward(mlp_norm_.forward(stream.x));
      stream.x = stream.x + attended;
    } else {
      stream.delta = attended;
      stream.delta = mlp_.forward(add_and_norm(mlp_norm_, stream));
    }
  }

  void parameters(nn::Parameters& p) {
    p.group("input_layernorm", attention_norm_);
    p.group("post_attention_layernorm", mlp_norm_);
    p.inside("attention", [&] {
      p.group("query_key_value", qkv_);
      p.group("dense", out_);
    });
    p.group("mlp", mlp_);
  }

  template <class F>
  void each_product(F&& f) {
    f(qkv_), f(out_);
    mlp_.each_product(f);
  }
  template <class F>
  void each_norm(F&& f) {
    f(attention_norm_), f(mlp_norm_);
  }

 private:
  int64_t layer_;
  bool parallel_;
  nn::HeadCounts heads_;
  nn::LayerNorm attention_norm_, mlp_norm_;
  nn::Linear qkv_, out_;
  nn::Mlp mlp_;
  nn::AttentionOptions options_;
};

struct NeoxBody {
  NeoxBody(const DecoderConfig& c, const NeoxSettings& s)
      : config(c),
        embedding(c.vocab_size, c.hidden_size),
        norm(c.hidden_size, s.epsilon),
        rope(neox_rope(c, s.rotary_dim)) {
    blocks.reserve(c.num_hidden_layers);
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) blocks.emplace_back(c, s, layer);
  }

  nn::OutputHead::Shape head() const {
    return {.vocabulary = config.vocab_size, .width = config.hidden_size, .tied = config.tie_word_embeddings};
  }
  at::Tensor embed(const at::Tensor& ids, const at::Tensor&) { return embedding.forward(ids); }
  nn::RopeTable tables(const at::Tensor& positions) const { return rope.table(positions); }
  void parameters(nn::Parameters& p) {
    p.inside("gpt_neox", [&] {
      p.group("embed_in", embedding);
      for (std::size_t i = 0; i < blocks.size(); ++i) p.group(fmt::format("layers.{}", i), blocks[i]);
      p.group("final_layer_norm", norm);
    });
  }
  template <class F>
  void each_embedding(F&& f) {
    f(embedding);
  }
  static constexpr std::string_view kHead = "embed_out";

  const DecoderConfig& config;
  nn::Embedding embedding;
  std::vector<NeoxBlock> blocks;
  nn::LayerNorm norm;
  nn::Rope rope;
};

std::shared_ptr<LanguageModel> make_gpt_neox(const DecoderConfig& config) {
  return std::make_shared<CausalDecoder<NeoxBody>>(config,
                                                   neox_settings(ConfigReader(config.original, "gpt_neox"), config));
}

void read_gpt_neox(const ConfigReader& r, DecoderConfig& c) {
  c.hidden_size = r.integer("hidden_size");
  c.intermediate_size = r.integer("intermediate_size");
  c.num_hidden_layers = r.integer("num_hidden_layers");
  c.num_attention_heads = c.num_key_value_heads = r.integer("num_attention_heads");
  c.max_position_embeddings = r.integer("max_position_embeddings", 2048);
  c.head_dim = even_head_dim(c, r.where());
  c.tie_word_embeddings = r.boolean("tie_word_embeddings", false);
  read_rope(r, c);
  if (r.has("rotary_emb_base") && !(c.rope_scaling.is_object() && c.rope_scaling.contains("rope_theta")))
    c.rope_theta = r.number("rotary_emb_base");
  if (!(c.rope_theta > 1)) fail(r.where(), "rotary_emb_base: expected a number above 1 but received {}", c.rope_theta);
  neox_settings(r, c);
}

void write_gpt_neox(const DecoderConfig& c, Json& json) {
  put(json, "hidden_size", c.hidden_size);
  put(json, "intermediate_size", c.intermediate_size);
  put(json, "num_hidden_layers", c.num_hidden_layers);
  put(json, "num_attention_heads", c.num_attention_heads);
  put(json, "max_position_embeddings", c.max_position_embeddings);
  put(json, "tie_word_embeddings", c.tie_word_embeddings);
}

double count_gpt_neox_weights(const DecoderConfig& c) {
  const double width = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.intermediate_size);
  const bool bias = neox_settings(ConfigReader(c.original, "gpt_neox"), c).attention_bias;
  const double block = 4 * width * width + (bias ? 4 * width : 0) + 2 * width * inner + inner + width + 4 * width;
  return block * static_cast<double>(c.num_hidden_layers) + 2 * width + count_vocabulary_weights(c);
}

void neox_config_of_gguf(const GgufMetadata& m, Json& json) {
  put_gguf_sizes(m, json);
  json["layer_norm_eps"] = m.decimal("attention.layer_norm_epsilon");
  json["hidden_act"] = "gelu";
  json["rotary_emb_base"] = m.decimal("rope.freq_base", 10000);
  json["attention_bias"] = m.file().contains("blk.0.attn_qkv.bias");
  if (const Json parallel = m.get("use_parallel_residual"); parallel.is_boolean())
    json["use_parallel_residual"] = parallel;
  const double heads = m.need("attention.head_count").get<double>(), width = m.need("embedding_length").get<double>();
  const double rotary = m.need("rope.dimension_count").get<double>();
  if (!(heads >= 1) || !(width >= heads) || !(rotary >= 2))
    fail(m.where(), "gptneox.rope.dimension_count: expected a part of a head but received {}", rotary);
  // A share of the head that gives the same number of dimensions again.
  double share = rotary * heads / width;
  if (std::floor(width / heads * share) < rotary) share = std::nextafter(share, 2.0);
  json["rotary_pct"] = share;
}

// llama.cpp computes the tanh form of GELU whichever the model was trained with; a file names none.
void neox_config_to_gguf(const DecoderConfig& c, GgufKeys& keys) {
  const ConfigReader r(c.original, "gpt_neox");
  const NeoxSettings s = neox_settings(r, c);
  keys.expect(s.activation == nn::Activation::kGelu || s.activation == nn::Activation::kGeluTanh, "hidden_act", "gelu",
              r.text("hidden_act", "gelu"));
  keys.expect(s.attention_bias, "attention_bias", "true", "false");
  keys.expect(!c.tie_word_embeddings, "tie_word_embeddings", "false", "true");
  keys.sizes();
  keys.number("attention.layer_norm_epsilon", s.epsilon);
  keys.put("use_parallel_residual", s.parallel);
  const nn::RopeOptions rope = neox_rope(c, s.rotary_dim);
  keys.expect(rope.kind == nn::RopeKind::kDefault, "rope_scaling", "none", c.rope_scaling.dump());
  keys.rope(rope);
}

bool is_joint_projection(std::string_view name) {
  return name.find(".query_key_value.") != std::string_view::npos;
}

// llama.cpp's converter puts queries, keys and values one after the other, as the layer here has them.
at::Tensor neox_to_hub(const at::Tensor& tensor, std::string_view name, const DecoderConfig& c) {
  return is_joint_projection(name) ? nn::to_file(tensor, {.heads = c.num_attention_heads}) : tensor;
}

at::Tensor neox_from_hub(const at::Tensor& tensor, std::string_view name, const DecoderConfig& c) {
  return is_joint_projection(name) ? nn::from_file(tensor, {.heads = c.num_attention_heads}) : tensor;
}

}  // namespace

Architecture gpt_neox() {
  return {.model_type = "gpt_neox",
          .class_name = "GPTNeoXForCausalLM",
          .gguf = "gptneox",
          .about = "GPT-NeoX 20B, Pythia, Dolly 2",
          .blocks = "gpt_neox.layers.",
          .head = "embed_out",
          .make = &make_gpt_neox,
          .read = &read_gpt_neox,
          .write = &write_gpt_neox,
          .count_weights = &count_gpt_neox_weights,
          .gguf_layout = {.outside = {{"gpt_neox.embed_in", "token_embd"},
                                      {"gpt_neox.final_layer_norm", "output_norm"},
                                      {"embed_out", "output"}},
                          .inside = {{"input_layernorm", "attn_norm"},
                                     {"attention.query_key_value", "attn_qkv"},
                                     {"attention.dense", "attn_output"},
                                     {"post_attention_layernorm", "ffn_norm"},
                                     {"mlp.dense_h_to_4h", "ffn_up"},
                                     {"mlp.dense_4h_to_h", "ffn_down"}},
                          .config = &neox_config_of_gguf,
                          .metadata = &neox_config_to_gguf,
                          .to_hub = &neox_to_hub,
                          .from_hub = &neox_from_hub},
          .buffers = {".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq"}};
}

}  // namespace limbeck::models
