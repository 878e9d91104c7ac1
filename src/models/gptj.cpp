#include "models/gptj.h"

#include <ATen/ATen.h>

#include <cmath>  // std::sqrt

#include "base/errors.h"
#include "models/causal_decoder.h"
#include "models/config.h"
#include "nn/layer_norm.h"
#include "nn/mlp.h"
#include "nn/rope.h"

namespace limbeck::models {
namespace {

struct GptjSettings {
  double epsilon = 1e-5;
  nn::Activation activation = nn::Activation::kGeluTanh;
  int64_t rotary_dim = 64;  // of each head
};

GptjSettings gptj_settings(const ConfigReader& r, const DecoderConfig& c) {
  const GptjSettings s{.epsilon = r.number("layer_norm_epsilon", 1e-5),
                       .activation = read_activation(r, "activation_function", "gelu_new"),
                       .rotary_dim = r.integer("rotary_dim", 64)};
  if (s.rotary_dim < 2 || s.rotary_dim % 2 != 0 || s.rotary_dim > c.head_dim)
    fail(r.where(), "rotary_dim: expected an even number of at most the head size {} but received {}", c.head_dim,
         s.rotary_dim);
  return s;
}

class GptjBlock {
 public:
  GptjBlock(const DecoderConfig& c, const GptjSettings& s, int64_t layer)
      : layer_(layer),
        heads_({.queries = c.num_attention_heads,
                .keys = c.num_attention_heads,
                .head_dim = c.head_dim,
                .pairs = nn::RotaryPairs::kInterleaved}),
        norm_(c.hidden_size, s.epsilon),
        qkv_({.in = c.hidden_size,
              .parts = {{"q_proj", c.hidden_size}, {"k_proj", c.hidden_size}, {"v_proj", c.hidden_size}}}),
        out_({.in = c.hidden_size, .out = c.hidden_size}),
        mlp_({.width = c.hidden_size,
              .inner = c.intermediate_size,
              .activation = s.activation,
              .in_name = "fc_in",
              .out_name = "fc_out"}),
        options_({.scale = 1 / std::sqrt(static_cast<double>(c.head_dim)), .window = {}}) {}

  void forward(Stream& stream, const nn::RopeTable& table, nn::AttentionPlan& plan) {
    const at::Tensor normed = add_and_norm(norm_, stream);
    const nn::Heads heads = nn::rotate_heads(qkv_.forward(normed), table, heads_);
    const at::Tensor mixed = plan.attend(layer_, heads.q, heads.k, heads.v, options_);
    stream.x = stream.x + out_.forward(mixed.reshape({mixed.size(0), -1}));
    stream.delta = mlp_.forward(normed);
  }

  void parameters(nn::Parameters& p) {
    p.group("ln_1", norm_);
    p.inside("attn", [&] {
      qkv_.parameters(p);
      p.group("out_proj", out_);
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
    f(norm_);
  }

 private:
  int64_t layer_;
  nn::HeadCounts heads_;
  nn::LayerNorm norm_;
  nn::JointLinear qkv_;
  nn::Linear out_;
  nn::Mlp mlp_;
  nn::AttentionOptions options_;
};

struct GptjBody {
  GptjBody(const DecoderConfig& c, const GptjSettings& s)
      : config(c),
        embedding(c.vocab_size, c.hidden_size),
        norm(c.hidden_size, s.epsilon),
        rope(nn::RopeOptions{.head_dim = s.rotary_dim}) {
    blocks.reserve(c.num_hidden_layers);
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) blocks.emplace_back(c, s, layer);
  }

  nn::OutputHead::Shape head() const {
    return {
        .vocabulary = config.vocab_size, .width = config.hidden_size, .tied = config.tie_word_embeddings, .bias = true};
  }
  at::Tensor embed(const at::Tensor& ids, const at::Tensor&) { return embedding.forward(ids); }
  nn::RopeTable tables(const at::Tensor& positions) const { return rope.table(positions); }
  void parameters(nn::Parameters& p) {
    p.inside("transformer", [&] {
      p.group("wte", embedding);
      for (std::size_t i = 0; i < blocks.size(); ++i) p.group(fmt::format("h.{}", i), blocks[i]);
      p.group("ln_f", norm);
    });
  }
  template <class F>
  void each_embedding(F&& f) {
    f(embedding);
  }
  static constexpr std::string_view kHead = "lm_head";

  const DecoderConfig& config;
  nn::Embedding embedding;
  std::vector<GptjBlock> blocks;
  nn::LayerNorm norm;
  nn::Rope rope;
};

std::shared_ptr<LanguageModel> make_gptj(const DecoderConfig& config) {
  return std::make_shared<CausalDecoder<GptjBody>>(config,
                                                   gptj_settings(ConfigReader(config.original, "gptj"), config));
}

void read_gptj(const ConfigReader& r, DecoderConfig& c) {
  c.hidden_size = r.integer(r.first_of({"n_embd", "hidden_size"}));
  c.num_hidden_layers = r.integer(r.first_of({"n_layer", "num_hidden_layers"}));
  c.num_attention_heads = c.num_key_value_heads = r.integer(r.first_of({"n_head", "num_attention_heads"}));
  c.max_position_embeddings = r.integer(r.first_of({"n_positions", "max_position_embeddings"}), 2048);
  c.head_dim = even_head_dim(c, r.where());
  c.intermediate_size = read_inner_size(r, "n_inner", c);
  c.tie_word_embeddings = r.boolean("tie_word_embeddings", false);
  gptj_settings(r, c);
}

void write_gptj(const DecoderConfig& c, Json& json) {
  put(json, "n_embd", c.hidden_size);
  put(json, "n_layer", c.num_hidden_layers);
  put(json, "n_head", c.num_attention_heads);
  put(json, "n_positions", c.max_position_embeddings);
  put(json, "n_inner", c.intermediate_size);
  put(json, "tie_word_embeddings", c.tie_word_embeddings);
}

double count_gptj_weights(const DecoderConfig& c) {
  const double width = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.intermediate_size);
  const double block = 4 * width * width + 2 * width * inner + inner + width + 2 * width;
  return block * static_cast<double>(c.num_hidden_layers) + 2 * width + count_vocabulary_weights(c) +
         static_cast<double>(c.vocab_size);
}

}  // namespace

Architecture gptj() {
  return {.model_type = "gptj",
          .class_name = "GPTJForCausalLM",
          .about = "GPT-J 6B",
          .blocks = "transformer.h.",
          .make = &make_gptj,
          .read = &read_gptj,
          .write = &write_gptj,
          .count_weights = &count_gptj_weights,
          .buffers = {".attn.bias", ".attn.masked_bias", ".attn.embed_positions"}};
}

}  // namespace limbeck::models
