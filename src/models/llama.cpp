#include "models/llama.h"

#include <ATen/ATen.h>

#include <cmath>  // std::sqrt
#include <utility>
#include <vector>

#include "base/errors.h"
#include "models/config.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/mlp.h"
#include "nn/rms_norm.h"
#include "nn/rope.h"

namespace limbeck::models {
namespace {

class Attention {
 public:
  Attention(const DecoderConfig& c, int64_t layer)
      : layer_(layer),
        heads_({.queries = c.num_attention_heads, .keys = c.num_key_value_heads}),
        qkv_({.in = c.hidden_size,
              .bias = c.qkv_bias || c.attention_bias,
              .parts = {{"q_proj", c.num_attention_heads * c.head_dim},
                        {"k_proj", c.num_key_value_heads * c.head_dim},
                        {"v_proj", c.num_key_value_heads * c.head_dim}}}),
        o_({.in = c.num_attention_heads * c.head_dim, .out = c.hidden_size, .bias = c.attention_bias}),
        options_({.scale = 1 / std::sqrt(static_cast<double>(c.head_dim)), .window = window_of(c, layer)}) {}

  // x [N,D] -> [N,D]
  at::Tensor forward(const at::Tensor& x, const nn::RopeTable& table, nn::AttentionPlan& plan) {
    const nn::Heads heads = nn::rotate_heads(qkv_.forward(x), table, heads_);
    const at::Tensor mixed = plan.attend(layer_, heads.q, heads.k, heads.v, options_);
    return o_.forward(mixed.reshape({x.size(0), -1}));
  }

  void parameters(nn::Parameters& p) {
    qkv_.parameters(p);
    p.group("o_proj", o_);
  }

  template <class F>
  void each_product(F&& f) {
    f(qkv_), f(o_);
  }

 private:
  int64_t layer_;
  nn::HeadCounts heads_;
  nn::JointLinear qkv_;
  nn::Linear o_;
  nn::AttentionOptions options_;
};

// The residual stream between blocks, as a sum that the next norm computes: x [N,D] fp32 + delta [N,D], undefined at
// first.
struct Stream {
  at::Tensor x, delta;
  at::Tensor sum() const { return delta.defined() ? x + delta : x; }
};

at::Tensor add_and_norm(nn::RmsNorm& norm, Stream& stream) {
  if (!stream.delta.defined()) return norm.forward(stream.x);
  auto [sum, normed] = norm.add_forward(stream.x, stream.delta);
  stream.x = sum;
  return normed;
}

class Block {
 public:
  Block(const DecoderConfig& c, int64_t layer)
      : attention_norm_(c.hidden_size, c.rms_norm_eps),
        mlp_norm_(c.hidden_size, c.rms_norm_eps),
        attention_(c, layer),
        mlp_({.width = c.hidden_size, .inner = c.intermediate_size, .bias = c.mlp_bias}) {}

  void forward(Stream& stream, const nn::RopeTable& table, nn::AttentionPlan& plan) {
    stream.delta = attention_.forward(add_and_norm(attention_norm_, stream), table, plan);
    stream.delta = mlp_.forward(add_and_norm(mlp_norm_, stream));
  }

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
  }

 private:
  nn::RmsNorm attention_norm_, mlp_norm_;
  Attention attention_;
  nn::GatedMlp mlp_;
};

class Llama final : public LanguageModel {
 public:
  explicit Llama(DecoderConfig config)
      : config_(std::move(config)),
        embedding_(config_.vocab_size, config_.hidden_size),
        norm_(config_.hidden_size, config_.rms_norm_eps),
        rope_(rope_options(config_)) {
    blocks_.reserve(config_.num_hidden_layers);
    for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) blocks_.emplace_back(config_, layer);
    if (!config_.tie_word_embeddings)
      head_ = at::empty({config_.vocab_size, config_.hidden_size}, at::kFloat).requires_grad_(true);
  }

  const DecoderConfig& config() const override { return config_; }

  ModelOutput forward(const at::Tensor& ids, nn::AttentionPlan& plan, const Want& want) override {
    ModelOutput out;
    Stream stream{embedding_.forward(ids), {}};
    if (want.hidden_states) out.hidden_states.push_back(stream.x);
    const nn::RopeTable table = rope_.table(plan.positions());
    for (Block& block : blocks_) {
      block.forward(stream, table, plan);
      if (want.hidden_states) out.hidden_states.push_back(stream.sum());
    }
    out.hidden = add_and_norm(norm_, stream);
    if (want.logits) out.logits = logits_of(out.hidden);
    return out;
  }

  at::Tensor output_weight() override {
    if (frozen_head_ && !config_.tie_word_embeddings)
      fail("llama", "expected a trainable model but received one whose output weight is packed");
    return head();
  }

  at::Tensor low_output_weight() override {
    return precision_ == Precision::kBf16 ? head_product_.joined_weight({{head()}, {}}, precision_) : at::Tensor();
  }

  at::Tensor logits_of(const at::Tensor& hidden) override {
    if (frozen_head_) return frozen_head_(hidden);
    return head_product_.forward(hidden, {{head()}, {}}, precision_).to(at::kFloat);
  }

  void parameters(nn::Parameters& p) override {
    if (frozen_head_) fail("llama", "expected a trainable model but received one that was frozen");
    nn::Parameters body;
    body.group("embed_tokens", embedding_);
    for (std::size_t i = 0; i < blocks_.size(); ++i) body.group(fmt::format("layers.{}", i), blocks_[i]);
    body.group("norm", norm_);
    for (const nn::NamedParameter& parameter : body.list()) p("model." + parameter.name, *parameter.tensor);
    if (!config_.tie_word_embeddings) p("lm_head.weight", head_);
  }

  void set_precision(Precision precision) override {
    if (frozen_head_) fail("llama", "expected a trainable model but received one that was frozen");
    precision_ = precision;
    head_product_.forget();
    for (Block& block : blocks_) {
      block.each_product([&](auto& product) { product.set_precision(precision); });
      block.each_norm([&](nn::RmsNorm& norm) { norm.set_output(precision); });
    }
  }

  void weights_changed() override {
    head_product_.forget();
    for (Block& block : blocks_) block.each_product([](auto& product) { product.weights_changed(); });
  }

  void freeze(Precision precision, WeightFormat weights) override {
    if (frozen_head_) fail("llama", "expected a trainable model but received one that was frozen");
    for (Block& block : blocks_) {
      block.each_product([&](auto& product) { product.freeze(precision, weights); });
      block.each_norm([&](nn::RmsNorm& norm) {
        norm.set_output(precision);
        norm.freeze();
      });
    }
    norm_.freeze();
    frozen_head_ = nn::freeze_to_fp32(head(), precision, weights);
    head_product_.forget();
    head_.reset();
    embedding_.freeze(precision);
  }

 private:
  at::Tensor& head() { return config_.tie_word_embeddings ? embedding_.weight() : head_; }

  DecoderConfig config_;
  nn::Embedding embedding_;
  std::vector<Block> blocks_;
  nn::RmsNorm norm_;
  nn::Rope rope_;
  at::Tensor head_;  // [V,D]; undefined when tied
  nn::Product head_product_;
  nn::FrozenLinear frozen_head_;
  Precision precision_ = Precision::kFp32;
};

}  // namespace

std::shared_ptr<LanguageModel> make_llama(const DecoderConfig& config) {
  return std::make_shared<Llama>(config);
}

}  // namespace limbeck::models
