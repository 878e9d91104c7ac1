// What every decoder does around its blocks: embedding, blocks in turn, final norm, vocabulary product; precision,
// freezing and names. An architecture gives its Body:
//
//   struct Body {
//     explicit Body(const DecoderConfig& config);
//     nn::OutputHead::Shape head() const;
//     at::Tensor embed(const at::Tensor& ids, const at::Tensor& positions);   // [N], [N] -> [N,D] fp32
//     Tables tables(const at::Tensor& positions);                             // what all blocks of a pass read
//     void parameters(nn::Parameters& p);                                     // but those of the head
//     template <class F> void each_embedding(F&& f);                          // nn::Embedding
//     static constexpr std::string_view kHead = "lm_head";
//     nn::Embedding embedding;
//     std::vector<Block> blocks;
//     Norm norm;
//   };
//   Block: void forward(Stream&, const Tables&, nn::AttentionPlan&); parameters(p); each_product(f); each_norm(f);
//          set_recompute(nn::Recompute) where it can
#pragma once

#include <ATen/ATen.h>

#include <utility>

#include "base/errors.h"
#include "models/language_model.h"
#include "nn/output_head.h"

namespace limbeck::models {

// The residual stream between blocks, as a sum that the next norm computes: x [N,D] fp32 + delta [N,D], undefined at
// first.
struct Stream {
  at::Tensor x, delta;
  at::Tensor sum() const { return delta.defined() ? x + delta : x; }
};

struct NoTables {};  // of an architecture whose blocks read none

template <class Norm>
at::Tensor add_and_norm(Norm& norm, Stream& stream) {
  if (!stream.delta.defined()) return norm.forward(stream.x);
  auto [sum, normed] = norm.add_forward(stream.x, stream.delta);
  stream.x = sum;
  stream.delta.reset();
  return normed;
}

template <class Body>
class CausalDecoder final : public LanguageModel {
 public:
  // What the body needs beside the config follows it.
  template <class... More>
  explicit CausalDecoder(DecoderConfig config, const More&... more)
      : config_(std::move(config)), body_(config_, more...), head_(body_.head(), body_.embedding) {}
  CausalDecoder(const CausalDecoder&) = delete;
  CausalDecoder& operator=(const CausalDecoder&) = delete;

  const DecoderConfig& config() const override { return config_; }

  ModelOutput forward(const at::Tensor& ids, nn::AttentionPlan& plan, const Want& want) override {
    ModelOutput out;
    const at::Tensor positions = plan.positions();
    Stream stream{body_.embed(ids, positions), {}};
    if (want.hidden_states) out.hidden_states.push_back(stream.x);
    const auto tables = body_.tables(positions);
    for (auto& block : body_.blocks) {
      block.forward(stream, tables, plan);
      if (want.hidden_states) out.hidden_states.push_back(stream.sum());
    }
    out.hidden = add_and_norm(body_.norm, stream);
    if (want.logits) out.logits = logits_of(out.hidden);
    return out;
  }

  at::Tensor output_weight() override { return head_.weight(); }
  at::Tensor low_output_weight() override { return head_.low_weight(); }
  at::Tensor output_bias() override { return head_.bias(); }
  double logit_softcap() const override { return head_.softcap(); }
  at::Tensor logits_of(const at::Tensor& hidden) override { return head_.logits(hidden); }

  void parameters(nn::Parameters& p) override {
    refuse_frozen();
    body_.parameters(p);
    p.group(Body::kHead, head_);
  }

  void set_precision(Precision precision) override {
    refuse_frozen();
    head_.set_precision(precision);
    for (auto& block : body_.blocks) {
      block.each_product([&](auto& product) { product.set_precision(precision); });
      block.each_norm([&](auto& norm) { norm.set_output(precision); });
    }
  }

  void set_recompute(nn::Recompute recompute) override {
    for (auto& block : body_.blocks)
      if constexpr (requires { block.set_recompute(recompute); }) block.set_recompute(recompute);
  }

  void weights_changed() override {
    head_.weights_changed();
    for (auto& block : body_.blocks) block.each_product([](auto& product) { product.weights_changed(); });
  }

  void freeze(Precision precision, WeightFormat weights) override {
    refuse_frozen();
    for (auto& block : body_.blocks) {
      block.each_product([&](auto& product) { product.freeze(precision, weights); });
      block.each_norm([&](auto& norm) {
        norm.set_output(precision);
        norm.freeze();
      });
    }
    body_.norm.freeze();
    head_.freeze(precision, weights);
    body_.each_embedding([&](nn::Embedding& embedding) { embedding.freeze(precision); });
  }

 private:
  void refuse_frozen() const {
    if (head_.is_frozen()) fail(config_.model_type, "expected a trainable model but received one that was frozen");
  }

  DecoderConfig config_;
  Body body_;
  nn::OutputHead head_;
};

}  // namespace limbeck::models
