#include "models/encoder_heads.h"

#include <ATen/ATen.h>

namespace limbeck::models {
namespace {

// Beyond the places of any body.
constexpr uint64_t kPlaceBeforeDense = 1'000'000'000, kPlaceBeforeOutputs = kPlaceBeforeDense + 1;

}  // namespace

OutputsHead::OutputsHead(const OutputsLayout& layout, int64_t width, int64_t outputs) : layout_(layout) {
  if (!layout.dense.empty()) dense_.emplace(nn::Linear::Shape{.in = width, .out = width, .bias = true});
  if (!layout.out.empty()) out_.emplace(nn::Linear::Shape{.in = width, .out = outputs, .bias = true});
}

at::Tensor OutputsHead::forward(const at::Tensor& x, const RowDropout& dropout) {
  at::Tensor y = x;
  if (dense_) {
    y = dense_->forward(dropout(y, kPlaceBeforeDense, layout_.dropout_in)).to(at::kFloat);
    y = layout_.activation ? nn::activate(y, *layout_.activation) : at::tanh(y);
  }
  return out_ ? out_->forward(dropout(y, kPlaceBeforeOutputs, layout_.dropout_out)) : y;
}

void OutputsHead::parameters(nn::Parameters& p) {
  if (dense_) p.group(layout_.dense, *dense_);
  if (out_) p.group(layout_.out, *out_);
}

void OutputsHead::set_precision(Precision precision) {
  if (dense_) dense_->set_precision(precision);
}

void OutputsHead::weights_changed() {
  if (dense_) dense_->weights_changed();
  if (out_) out_->weights_changed();
}

void OutputsHead::freeze(Precision precision, WeightFormat weights) {
  if (dense_) dense_->freeze(precision, weights);
  if (out_) out_->freeze(Precision::kFp32);
}

MaskedLmHead::MaskedLmHead(const MaskedLmLayout& layout, const EncoderConfig& config, nn::Embedding& words)
    : layout_(layout),
      dense_({.in = config.hidden_size, .out = config.embedding_size, .bias = true}),
      norm_(config.embedding_size, config.layer_norm_eps),
      output_({.vocabulary = config.vocab_size, .width = config.embedding_size, .tied = true, .bias = true}, words) {}

at::Tensor MaskedLmHead::transform(const at::Tensor& x) {
  return norm_.forward(nn::activate(dense_.forward(x), layout_.activation));
}

void MaskedLmHead::parameters(nn::Parameters& p) {
  p.group(layout_.dense, dense_);
  p.group(layout_.norm, norm_);
  p.group(layout_.output, output_);
}

void MaskedLmHead::set_precision(Precision precision) {
  dense_.set_precision(precision);
  output_.set_precision(precision);
}

void MaskedLmHead::weights_changed() {
  dense_.weights_changed();
  output_.weights_changed();
}

void MaskedLmHead::freeze(Precision precision, WeightFormat weights) {
  dense_.freeze(precision, weights);
  norm_.freeze();
  output_.freeze(precision, weights);
}

}  // namespace limbeck::models
