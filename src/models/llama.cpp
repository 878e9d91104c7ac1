#include "models/llama.h"

#include <ATen/ATen.h>

#include <cmath>  // std::sqrt
#include <tuple>  // std::tie
#include <utility>
#include <vector>

#include "base/errors.h"
#include "models/causal_decoder.h"
#include "models/config.h"
#include "models/gguf_model.h"
#include "models/llama_config.h"
#include "nn/embedding.h"
#include "nn/head_norm.h"
#include "nn/linear.h"
#include "nn/mlp.h"
#include "nn/normed_product.h"
#include "nn/rms_norm.h"
#include "nn/rope.h"

namespace limbeck::models {
namespace {

class LlamaAttention {
 public:
  LlamaAttention(const DecoderConfig& c, int64_t layer)
      : layer_(layer),
        heads_({.queries = c.num_attention_heads, .keys = c.num_key_value_heads}),
        qkv_({.in = c.hidden_size,
              .bias = c.qkv_bias || c.attention_bias,
              .parts = {{"q_proj", c.num_attention_heads * c.head_dim},
                        {"k_proj", c.num_key_value_heads * c.head_dim},
                        {"v_proj", c.num_key_value_heads * c.head_dim}}}),
        o_({.in = c.num_attention_heads * c.head_dim, .out = c.hidden_size, .bias = c.attention_bias}),
        q_norm_(c.head_dim, c.rms_norm_eps),
        k_norm_(c.head_dim, c.rms_norm_eps),
        qk_norm_(c.qk_norm),
        options_({.scale = 1 / std::sqrt(static_cast<double>(c.head_dim)), .window = window_of(c, layer)}) {}

  // The stream's sum goes through `norm` to queries, keys and values; the result [N,D] is what it grows by.
  void forward(nn::RmsNorm& norm, Stream& stream, const nn::RopeTable& table, nn::AttentionPlan& plan) {
    auto [sum, qkv] = nn::normed_product(norm, qkv_, stream.x, stream.delta);
    if (qk_norm_) qkv = nn::norm_heads(qkv, q_norm_, k_norm_, heads_);
    const nn::Heads heads = nn::rotate_heads(qkv, table, heads_);
    const at::Tensor mixed = plan.attend(layer_, heads.q, heads.k, heads.v, options_);
    stream = {sum, o_.forward(mixed.reshape({qkv.size(0), -1}))};
  }

  void parameters(nn::Parameters& p) {
    qkv_.parameters(p);
    p.group("o_proj", o_);
    if (!qk_norm_) return;
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
  nn::HeadCounts heads_;
  nn::JointLinear qkv_;
  nn::Linear o_;
  nn::RmsNorm q_norm_, k_norm_;  // of the heads, where qk_norm_
  bool qk_norm_;
  nn::AttentionOptions options_;
};

class LlamaBlock {
 public:
  LlamaBlock(const DecoderConfig& c, int64_t layer)
      : attention_norm_(c.hidden_size, c.rms_norm_eps),
        mlp_norm_(c.hidden_size, c.rms_norm_eps),
        attention_(c, layer),
        mlp_({.width = c.hidden_size, .inner = c.intermediate_size, .bias = c.mlp_bias}) {}

  void forward(Stream& stream, const nn::RopeTable& table, nn::AttentionPlan& plan) {
    attention_.forward(attention_norm_, stream, table, plan);
    std::tie(stream.x, stream.delta) = mlp_.add_forward(mlp_norm_, stream.x, stream.delta);
  }

  void set_recompute(nn::Recompute recompute) { mlp_.set_recompute(recompute); }

  void parameters(nn::Parameters& p) {
    p.group("input_layernorm", attention_norm_);
    p.group("self_attn", attention_);
    p.group("post_attention_layernorm", mlp_norm_);
    p.group("mlp", mlp_);
  }

  template <class F>
  void each_product(F&& f) {
    attention_.each_product(f);
    mlp_.each_product(f);
  }

  template <class F>
  void each_norm(F&& f) {
    f(attention_norm_), f(mlp_norm_);
    attention_.each_norm(f);
  }

 private:
  nn::RmsNorm attention_norm_, mlp_norm_;
  LlamaAttention attention_;
  nn::GatedMlp mlp_;
};

struct LlamaBody {
  explicit LlamaBody(const DecoderConfig& c)
      : config(c), embedding(c.vocab_size, c.hidden_size), norm(c.hidden_size, c.rms_norm_eps), rope(rope_options(c)) {
    blocks.reserve(c.num_hidden_layers);
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) blocks.emplace_back(c, layer);
  }
  nn::OutputHead::Shape head() const {
    return {.vocabulary = config.vocab_size, .width = config.hidden_size, .tied = config.tie_word_embeddings};
  }
  at::Tensor embed(const at::Tensor& ids, const at::Tensor&) { return embedding.forward(ids); }
  nn::RopeTable tables(const at::Tensor& positions) const { return rope.table(positions); }
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
  std::vector<LlamaBlock> blocks;
  nn::RmsNorm norm;
  nn::Rope rope;
};

void read_llama_itself(const ConfigReader& r, DecoderConfig& c) {
  read_llama(r, c);
  c.attention_bias = c.qkv_bias = r.boolean("attention_bias", false);
  c.mlp_bias = r.boolean("mlp_bias", false);
}

void write_llama_itself(const DecoderConfig& c, Json& json) {
  write_llama(c, json);
  put(json, "attention_bias", c.attention_bias);
  put(json, "mlp_bias", c.mlp_bias);
}

void llama_itself_of_gguf(const GgufMetadata& m, Json& json) {
  llama_config_of_gguf(m, json);
  json["attention_bias"] = m.file().contains("blk.0.attn_q.bias");
  json["mlp_bias"] = m.file().contains("blk.0.ffn_up.bias");
  if (json["attention_bias"] == true && !m.file().contains("blk.0.attn_output.bias"))
    fail(m.where(), "tensor 'blk.0.attn_output.bias': expected it beside blk.0.attn_q.bias but received none");
}

// Files of the llama architecture hold query and key rows in the order of interleaved rotary pairs: row 2i+j of a head
// there is row j·E/2 + i here.
enum class Pairs { kInterleaved, kHalfSplit };

at::Tensor reorder_heads(const at::Tensor& tensor, std::string_view name, const DecoderConfig& c, Pairs from) {
  const bool query = name.find(".q_proj.") != std::string_view::npos;
  if (!query && name.find(".k_proj.") == std::string_view::npos) return tensor;
  const int64_t heads = query ? c.num_attention_heads : c.num_key_value_heads, rows = heads * c.head_dim;
  if (tensor.dim() < 1 || tensor.size(0) != rows)
    fail("llama", "expected {} rows but received {}", rows, tensor.dim() < 1 ? 0 : tensor.size(0));
  const int64_t half = c.head_dim / 2;
  std::vector<int64_t> split = {heads, half, 2};
  if (from == Pairs::kHalfSplit) std::swap(split[1], split[2]);
  for (int64_t axis = 1; axis < tensor.dim(); ++axis) split.push_back(tensor.size(axis));
  return tensor.reshape(split).transpose(1, 2).reshape(tensor.sizes()).contiguous();
}

at::Tensor llama_to_hub(const at::Tensor& tensor, std::string_view name, const DecoderConfig& c) {
  return reorder_heads(tensor, name, c, Pairs::kInterleaved);
}

at::Tensor llama_from_hub(const at::Tensor& tensor, std::string_view name, const DecoderConfig& c) {
  return reorder_heads(tensor, name, c, Pairs::kHalfSplit);
}

}  // namespace

std::shared_ptr<LanguageModel> make_llama(const DecoderConfig& config) {
  return std::make_shared<CausalDecoder<LlamaBody>>(config);
}

Architecture llama() {
  GgufLayout layout = llama_gguf_layout();
  layout.config = &llama_itself_of_gguf;
  layout.to_hub = &llama_to_hub;
  layout.from_hub = &llama_from_hub;
  return {.model_type = "llama",
          .class_name = "LlamaForCausalLM",
          .gguf = "llama",
          .about = "Llama 1-3, SmolLM, SmolLM2, TinyLlama",
          .make = &make_llama,
          .read = &read_llama_itself,
          .write = &write_llama_itself,
          .count_weights = &count_llama_weights,
          .gguf_layout = layout};
}

}  // namespace limbeck::models
