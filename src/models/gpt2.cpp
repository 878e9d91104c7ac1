#include "models/gpt2.h"

#include <ATen/ATen.h>

#include <cmath>  // std::sqrt

#include "base/errors.h"
#include "models/causal_decoder.h"
#include "models/config.h"
#include "models/gguf_keys.h"
#include "models/gguf_model.h"
#include "nn/layer_norm.h"
#include "nn/mlp.h"
#include "nn/rope.h"  // nn::split_heads

namespace limbeck::models {
namespace {

constexpr nn::FileLayout kConv1d{.transposed = true};

struct Gpt2Settings {
  double epsilon = 1e-5;
  nn::Activation activation = nn::Activation::kGeluTanh;
  bool scale_by_head = true;    // scores are divided by √E
  bool scale_by_layer = false;  // and by the number of the block, from 1
};

Gpt2Settings gpt2_settings(const ConfigReader& r) {
  r.refuse("add_cross_attention", false);
  return {.epsilon = r.number("layer_norm_epsilon", 1e-5),
          .activation = read_activation(r, "activation_function", "gelu_new"),
          .scale_by_head = r.boolean("scale_attn_weights", true),
          .scale_by_layer = r.boolean("scale_attn_by_inverse_layer_idx", false)};
}

double gpt2_scale(const DecoderConfig& c, const Gpt2Settings& s, int64_t layer) {
  const double by_head = s.scale_by_head ? 1 / std::sqrt(static_cast<double>(c.head_dim)) : 1;
  return s.scale_by_layer ? by_head / static_cast<double>(layer + 1) : by_head;
}

// Weights that write into the residual stream start smaller by the root of their number (GPT-2, sec. 2.3).
double gpt2_residual_deviation(const DecoderConfig& c) {
  return 1 / std::sqrt(2 * static_cast<double>(c.num_hidden_layers));
}

class Gpt2Block {
 public:
  Gpt2Block(const DecoderConfig& c, const Gpt2Settings& s, int64_t layer)
      : layer_(layer),
        heads_({.queries = c.num_attention_heads, .keys = c.num_attention_heads, .head_dim = c.head_dim}),
        attention_norm_(c.hidden_size, s.epsilon),
        mlp_norm_(c.hidden_size, s.epsilon),
        qkv_({.in = c.hidden_size, .out = 3 * c.hidden_size, .bias = true, .layout = kConv1d}),
        out_({.in = c.hidden_size,
              .out = c.hidden_size,
              .bias = true,
              .deviation = gpt2_residual_deviation(c),
              .layout = kConv1d}),
        mlp_({.width = c.hidden_size,
              .inner = c.intermediate_size,
              .activation = s.activation,
              .in_name = "c_fc",
              .out_name = "c_proj",
              .layout = kConv1d,
              .out_deviation = gpt2_residual_deviation(c)}),
        options_({.scale = gpt2_scale(c, s, layer), .window = {}}) {}

  void forward(Stream& stream, const NoTables&, nn::AttentionPlan& plan) {
    const nn::Heads heads = nn::split_heads(qkv_.forward(add_and_norm(attention_norm_, stream)), heads_);
    const at::Tensor mixed = plan.attend(layer_, heads.q, heads.k, heads.v, options_);
    stream.delta = out_.forward(mixed.reshape({mixed.size(0), -1}));
    stream.delta = mlp_.forward(add_and_norm(mlp_norm_, stream));
  }

  void parameters(nn::Parameters& p) {
    p.group("ln_1", attention_norm_);
    p.inside("attn", [&] {
      p.group("c_attn", qkv_);
      p.group("c_proj", out_);
    });
    p.group("ln_2", mlp_norm_);
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
  nn::HeadCounts heads_;
  nn::LayerNorm attention_norm_, mlp_norm_;
  nn::Linear qkv_, out_;
  nn::Mlp mlp_;
  nn::AttentionOptions options_;
};

struct Gpt2Body {
  Gpt2Body(const DecoderConfig& c, const Gpt2Settings& s)
      : config(c),
        embedding(c.vocab_size, c.hidden_size),
        places(c.max_position_embeddings, c.hidden_size),
        norm(c.hidden_size, s.epsilon) {
    blocks.reserve(c.num_hidden_layers);
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) blocks.emplace_back(c, s, layer);
  }

  nn::OutputHead::Shape head() const {
    return {.vocabulary = config.vocab_size, .width = config.hidden_size, .tied = config.tie_word_embeddings};
  }
  at::Tensor embed(const at::Tensor& ids, const at::Tensor& positions) {
    return embedding.forward(ids) + places.forward(positions);
  }
  NoTables tables(const at::Tensor&) const { return {}; }
  void parameters(nn::Parameters& p) {
    p.inside("transformer", [&] {
      p.group("wte", embedding);
      p.group("wpe", places);
      for (std::size_t i = 0; i < blocks.size(); ++i) p.group(fmt::format("h.{}", i), blocks[i]);
      p.group("ln_f", norm);
    });
  }
  template <class F>
  void each_embedding(F&& f) {
    f(embedding), f(places);
  }
  static constexpr std::string_view kHead = "lm_head";

  const DecoderConfig& config;
  nn::Embedding embedding, places;  // of tokens, of positions
  std::vector<Gpt2Block> blocks;
  nn::LayerNorm norm;
};

std::shared_ptr<LanguageModel> make_gpt2(const DecoderConfig& config) {
  return std::make_shared<CausalDecoder<Gpt2Body>>(config, gpt2_settings(ConfigReader(config.original, "gpt2")));
}

void read_gpt2(const ConfigReader& r, DecoderConfig& c) {
  c.hidden_size = r.integer(r.first_of({"n_embd", "hidden_size"}));
  c.num_hidden_layers = r.integer(r.first_of({"n_layer", "num_hidden_layers"}));
  c.num_attention_heads = c.num_key_value_heads = r.integer(r.first_of({"n_head", "num_attention_heads"}));
  c.max_position_embeddings = r.integer(r.first_of({"n_positions", "max_position_embeddings"}), 1024);
  c.head_dim = even_head_dim(c, r.where());
  c.intermediate_size = read_inner_size(r, "n_inner", c);
  c.tie_word_embeddings = r.boolean("tie_word_embeddings", true);
  gpt2_settings(r);
}

void write_gpt2(const DecoderConfig& c, Json& json) {
  put(json, "n_embd", c.hidden_size);
  put(json, "n_layer", c.num_hidden_layers);
  put(json, "n_head", c.num_attention_heads);
  put(json, "n_positions", c.max_position_embeddings);
  put(json, "n_inner", c.intermediate_size);
  put(json, "tie_word_embeddings", c.tie_word_embeddings);
}

double count_gpt2_weights(const DecoderConfig& c) {
  const double width = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.intermediate_size);
  const double block = 4 * width * width + 4 * width + 2 * width * inner + inner + width + 4 * width;
  return block * static_cast<double>(c.num_hidden_layers) + 2 * width + count_vocabulary_weights(c) +
         static_cast<double>(c.max_position_embeddings) * width;
}

void gpt2_config_of_gguf(const GgufMetadata& m, Json& json) {
  json["n_embd"] = m.need("embedding_length");
  json["n_layer"] = m.need("block_count");
  json["n_head"] = m.need("attention.head_count");
  json["n_positions"] = m.need("context_length");
  json["n_inner"] = m.need("feed_forward_length");
  json["layer_norm_epsilon"] = m.decimal("attention.layer_norm_epsilon");
  json["activation_function"] = "gelu_new";
}

void gpt2_config_to_gguf(const DecoderConfig& c, GgufKeys& keys) {
  const ConfigReader r(c.original, "gpt2");
  const Gpt2Settings s = gpt2_settings(r);
  keys.expect(s.activation == nn::Activation::kGeluTanh, "activation_function", "gelu_new",
              r.text("activation_function", "gelu_new"));
  keys.expect(s.scale_by_head, "scale_attn_weights", "true", "false");
  keys.expect(!s.scale_by_layer, "scale_attn_by_inverse_layer_idx", "false", "true");
  keys.sizes();
  keys.number("attention.layer_norm_epsilon", s.epsilon);
}

// llama.cpp's converter turns the Conv1D weights to [out,in].
at::Tensor gpt2_turned(const at::Tensor& tensor, std::string_view name, const DecoderConfig&) {
  const bool conv = name.find(".c_") != std::string_view::npos && name.ends_with(".weight");
  return conv && tensor.dim() == 2 ? tensor.t() : tensor;
}

}  // namespace

Architecture gpt2() {
  return {.model_type = "gpt2",
          .class_name = "GPT2LMHeadModel",
          .gguf = "gpt2",
          .about = "GPT-2, DistilGPT2",
          .blocks = "transformer.h.",
          .make = &make_gpt2,
          .read = &read_gpt2,
          .write = &write_gpt2,
          .count_weights = &count_gpt2_weights,
          .gguf_layout = {.outside = {{"transformer.wte", "token_embd"},
                                      {"transformer.wpe", "position_embd"},
                                      {"transformer.ln_f", "output_norm"},
                                      {"lm_head", "output"}},
                          .inside = {{"ln_1", "attn_norm"},
                                     {"attn.c_attn", "attn_qkv"},
                                     {"attn.c_proj", "attn_output"},
                                     {"ln_2", "ffn_norm"},
                                     {"mlp.c_fc", "ffn_up"},
                                     {"mlp.c_proj", "ffn_down"}},
                          .config = &gpt2_config_of_gguf,
                          .metadata = &gpt2_config_to_gguf,
                          .to_hub = &gpt2_turned,
                          .from_hub = &gpt2_turned},
          .buffers = {".attn.bias", ".attn.masked_bias"}};
}

}  // namespace limbeck::models
