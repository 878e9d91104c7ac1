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
        head_dim_(c.head_dim),
        q_({.in = c.hidden_size, .out = c.num_attention_heads * c.head_dim, .bias = c.qkv_bias || c.attention_bias}),
        k_({.in = c.hidden_size, .out = c.num_key_value_heads * c.head_dim, .bias = c.qkv_bias || c.attention_bias}),
        v_({.in = c.hidden_size, .out = c.num_key_value_heads * c.head_dim, .bias = c.qkv_bias || c.attention_bias}),
        o_({.in = c.num_attention_heads * c.head_dim, .out = c.hidden_size, .bias = c.attention_bias}),
        options_({.scale = 1 / std::sqrt(static_cast<double>(c.head_dim)), .window = window_of(c, layer)}) {}

  // x [N,D] -> [N,D]
  at::Tensor forward(const at::Tensor& x, const nn::RopeTable& table, nn::AttentionPlan& plan) {
    const int64_t n = x.size(0);
    const auto heads = [&](const at::Tensor& y) { return y.view({n, -1, head_dim_}); };
    const at::Tensor q = nn::rotate(heads(q_.forward(x)), table), k = nn::rotate(heads(k_.forward(x)), table);
    const at::Tensor mixed = plan.attend(layer_, q, k, heads(v_.forward(x)), options_);
    return o_.forward(mixed.reshape({n, -1}));
  }

  void parameters(nn::Parameters& p) {
    p.group("q_proj", q_);
    p.group("k_proj", k_);
    p.group("v_proj", v_);
    p.group("o_proj", o_);
  }

  template <class F>
  void each_linear(F&& f) {
    f(q_), f(k_), f(v_), f(o_);
  }

 private:
  int64_t layer_, head_dim_;
  nn::Linear q_, k_, v_, o_;
  nn::AttentionOptions options_;
};

class Block {
 public:
  Block(const DecoderConfig& c, int64_t layer)
      : attention_norm_(c.hidden_size, c.rms_norm_eps),
        mlp_norm_(c.hidden_size, c.rms_norm_eps),
        attention_(c, layer),
        mlp_({.width = c.hidden_size, .inner = c.intermediate_size, .bias = c.mlp_bias}) {}

  // The residual stream x stays fp32: [N,D] -> [N,D]
  at::Tensor forward(const at::Tensor& x, const nn::RopeTable& table, nn::AttentionPlan& plan) {
    const at::Tensor middle = x + attention_.forward(attention_norm_.forward(x), table, plan);
    return middle + mlp_.forward(mlp_norm_.forward(middle));
  }

  void parameters(nn::Parameters& p) {
    p.group("input_layernorm", attention_norm_);
    p.group("self_attn", attention_);
    p.group("post_attention_layernorm", mlp_norm_);
    p.group("mlp", mlp_);
  }

  template <class F>
  void each_linear(F&& f) {
    attention_.each_linear(f);
    mlp_.each_linear(f);
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
    at::Tensor x = embedding_.forward(ids);
    if (want.hidden_states) out.hidden_states.push_back(x);
    const nn::RopeTable table = rope_.table(plan.positions());
    for (Block& block : blocks_) {
      x = block.forward(x, table, plan);
      if (want.hidden_states) out.hidden_states.push_back(x);
    }
    out.hidden = norm_.forward(x);
    if (want.logits) out.logits = logits_of(out.hidden);
    return out;
  }

  at::Tensor output_weight() override { return head(); }

  at::Tensor logits_of(const at::Tensor& hidden) override {
    const at::Tensor& weight = head();
    if (frozen_) return at::linear(hidden.to(weight.scalar_type()), weight).to(at::kFloat);
    return at::linear(hidden.to(at::kFloat), weight);
  }

  void parameters(nn::Parameters& p) override {
    if (frozen_) fail("llama", "expected a trainable model but received one that was frozen");
    nn::Parameters body;
    body.group("embed_tokens", embedding_);
    for (std::size_t i = 0; i < blocks_.size(); ++i) body.group(fmt::format("layers.{}", i), blocks_[i]);
    body.group("norm", norm_);
    for (const nn::NamedParameter& parameter : body.list()) p("model." + parameter.name, *parameter.tensor);
    if (!config_.tie_word_embeddings) p("lm_head.weight", head_);
  }

  void set_precision(Precision precision) override {
    if (frozen_) fail("llama", "expected a trainable model but received one that was frozen");
    for (Block& block : blocks_) {
      block.each_linear([&](nn::Linear& linear) { linear.set_precision(precision); });
      block.each_norm([&](nn::RmsNorm& norm) { norm.set_output(precision); });
    }
  }

  void weights_changed() override {
    for (Block& block : blocks_) block.each_linear([](nn::Linear& linear) { linear.weights_changed(); });
  }

  void freeze(Precision precision) override {
    if (frozen_) fail("llama", "expected a trainable model but received one that was frozen");
    frozen_ = true;
    for (Block& block : blocks_) {
      block.each_linear([&](nn::Linear& linear) { linear.freeze(precision); });
      block.each_norm([&](nn::RmsNorm& norm) {
        norm.set_output(precision);
        norm.freeze();
      });
    }
    norm_.freeze();
    embedding_.freeze(precision);
    if (head_.defined()) head_ = head_.detach().to(precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat);
  }

 private:
  at::Tensor& head() { return config_.tie_word_embeddings ? embedding_.weight() : head_; }

  DecoderConfig config_;
  nn::Embedding embedding_;
  std::vector<Block> blocks_;
  nn::RmsNorm norm_;
  nn::Rope rope_;
  at::Tensor head_;  // [V,D]; undefined when tied
  bool frozen_ = false;
};

}  // namespace

std::shared_ptr<LanguageModel> make_llama(const DecoderConfig& config) {
  return std::make_shared<Llama>(config);
}

}  // namespace limbeck::models
