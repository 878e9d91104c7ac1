// An encoder of any architecture: its body and one head. Making them: from a config, with fresh weights.
#include "models/encoder.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <utility>

#include "base/errors.h"
#include "models/encoder_catalog.h"
#include "models/encoder_config.h"
#include "models/fresh_weights.h"
#include "nn/packed_attention.h"  // packed_full by keys of documents

namespace limbeck::models {
namespace {

// A body alone has its pooler under a name that begins without the body's own.
OutputsLayout layout_of(const EncoderArchitecture& row, const EncoderConfig& config, HeadKind kind) {
  OutputsLayout layout = row.outputs(config, kind);
  const std::string prefix = std::string(row.body) + ".";
  if (kind == HeadKind::kNone && layout.dense.starts_with(prefix)) layout.dense.erase(0, prefix.size());
  return layout;
}

class FamilyEncoder final : public Encoder {
 public:
  FamilyEncoder(const EncoderConfig& config, const Head& head)
      : row_(encoder_architecture_of(config.model_type, "make_encoder")),
        config_(config),
        head_(head),
        body_(config_, row_.names) {
    if (head_.kind == HeadKind::kMaskedLm)
      masked_lm_.emplace(row_.masked_lm(config_), config_, body_.words());
    else
      outputs_.emplace(layout_of(row_, config_, head_.kind), config_.hidden_size, head_.outputs);
  }
  FamilyEncoder(const FamilyEncoder&) = delete;
  FamilyEncoder& operator=(const FamilyEncoder&) = delete;

  const EncoderConfig& config() const override { return config_; }
  const Head& head() const override { return head_; }

  EncoderOutput forward(const at::Tensor& ids, const at::Tensor& types, nn::AttentionPlan& plan,
                        const EncoderWant& want) override {
    return body_.forward(ids, types, plan, want);
  }

  at::Tensor logits(const EncoderOutput& output, const std::vector<int64_t>& offsets, const at::Tensor& rows,
                    std::optional<uint64_t> dropout_salt) override {
    const at::Tensor& hidden = output.hidden;
    if (offsets.size() < 2 || offsets.back() != hidden.size(0))
      fail("logits", "expected offsets 0, …, {} but received {} of them", hidden.size(0), offsets.size());
    RowDropout dropout;
    if (dropout_salt)
      dropout = {output.keys.defined() ? output.keys : at::arange(hidden.size(0), at::kLong), *dropout_salt};
    switch (head_.kind) {
      case HeadKind::kNone:
      case HeadKind::kClassification:
      case HeadKind::kChoice: {
        const at::Tensor first = at::tensor(at::IntArrayRef(offsets.data(), offsets.size() - 1), at::kLong);
        if (dropout.keys.defined()) dropout.keys = dropout.keys.index_select(0, first);
        return outputs_->forward(hidden.index_select(0, first), dropout);
      }
      case HeadKind::kTokens:
      case HeadKind::kSpan:
        return outputs_->forward(hidden, dropout);
      case HeadKind::kMaskedLm:
        return masked_lm().output().logits(masked_lm_hidden(rows.defined() ? hidden.index_select(0, rows) : hidden));
    }
    return {};
  }

  at::Tensor masked_lm_hidden(const at::Tensor& hidden) override { return masked_lm().transform(hidden); }
  at::Tensor output_weight() override { return masked_lm().output().weight(); }
  at::Tensor low_output_weight() override { return masked_lm().output().low_weight(); }
  at::Tensor output_bias() override { return masked_lm().output().bias(); }
  at::Tensor& word_embeddings() override { return body_.words().weight(); }

  void parameters(nn::Parameters& p) override {
    if (head_.kind == HeadKind::kNone)
      body_.parameters(p);
    else
      p.group(row_.body, body_);
    if (outputs_) outputs_->parameters(p);
    if (masked_lm_) masked_lm_->parameters(p);
  }

  void set_precision(Precision precision) override {
    body_.set_precision(precision);
    if (outputs_) outputs_->set_precision(precision);
    if (masked_lm_) masked_lm_->set_precision(precision);
  }

  void weights_changed() override {
    body_.weights_changed();
    if (outputs_) outputs_->weights_changed();
    if (masked_lm_) masked_lm_->weights_changed();
  }

  void freeze(Precision precision, WeightFormat weights) override {
    if (body_.is_frozen()) fail(config_.model_type, "expected a trainable model but received one that was frozen");
    if (outputs_) outputs_->freeze(precision, weights);
    if (masked_lm_) masked_lm_->freeze(precision, weights);
    body_.freeze(precision, weights);
  }

 private:
  MaskedLmHead& masked_lm() {
    if (!masked_lm_) fail(config_.model_type, "expected a model with a masked-language-modelling head");
    return *masked_lm_;
  }

  const EncoderArchitecture& row_;
  EncoderConfig config_;
  Head head_;
  EncoderBody body_;
  std::optional<OutputsHead> outputs_;
  std::optional<MaskedLmHead> masked_lm_;
};

}  // namespace

std::unique_ptr<nn::AttentionPlan> plan_for(const EncoderConfig& config, std::vector<int64_t> offsets,
                                            std::optional<uint64_t> dropout_salt, const at::Tensor& ids) {
  if (!dropout_salt) return nn::packed_full(std::move(offsets));
  std::vector<uint64_t> keys;
  if (ids.defined()) keys = keys_of_texts(ids, offsets);
  return nn::packed_full(std::move(offsets), config.attention_dropout, Seed(*dropout_salt).derive("attention").value(),
                         std::move(keys));
}

std::shared_ptr<Encoder> make_encoder(const EncoderConfig& config, const Head& head) {
  check_encoder_config(config, "make_encoder");
  return std::make_shared<FamilyEncoder>(config, checked_head(config, head));
}

std::shared_ptr<Encoder> make_encoder(const EncoderConfig& config, const Head& head, Seed seed) {
  auto encoder = make_encoder(config, head);
  nn::Parameters parameters;
  encoder->parameters(parameters);
  for (const nn::NamedParameter& p : parameters.list()) {
    if (config.sinusoidal_positions && p.name.ends_with("position_embeddings.weight"))
      fill_sinusoidal(*p.tensor);
    else
      fill_fresh(p, config.initializer_range, seed);
  }
  return encoder;
}

}  // namespace limbeck::models
