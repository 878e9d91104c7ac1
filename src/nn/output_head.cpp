#include "nn/output_head.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "tensor/product.h"

namespace limbeck::nn {

OutputHead::OutputHead(const Shape& shape, Embedding& embedding) : shape_(shape), embedding_(embedding) {
  if (!shape.tied) weight_ = at::empty({shape.vocabulary, shape.width}, at::kFloat).requires_grad_(true);
  if (shape.bias) bias_ = at::empty({shape.vocabulary}, at::kFloat).requires_grad_(true);
}

Masters OutputHead::masters() {
  Masters masters{{master()}, {}};
  if (bias_.defined()) masters.biases.push_back(bias_);
  return masters;
}

at::Tensor OutputHead::logits(const at::Tensor& hidden) {
  at::Tensor logits = frozen_ ? frozen_(hidden) : product_.forward(hidden, masters(), precision_).to(at::kFloat);
  if (shape_.softcap <= 0) return logits;
  if (at::GradMode::is_enabled()) return at::tanh(logits / shape_.softcap) * shape_.softcap;
  return logits.div_(shape_.softcap).tanh_().mul_(shape_.softcap);  // nobody else holds them
}

at::Tensor OutputHead::weight() {
  if (frozen_ && !shape_.tied)
    fail("output_head", "expected a trainable model but received one whose output weight is packed");
  return master();
}

at::Tensor OutputHead::low_weight() {
  const bool wanted = precision_ == Precision::kBf16 && !frozen_ && !products_read_wide_weights();
  return wanted ? product_.joined_weight(masters(), precision_) : at::Tensor();
}

void OutputHead::parameters(Parameters& p) {
  if (weight_.defined()) p("weight", weight_);
  if (bias_.defined()) p("bias", bias_, {.fresh = Fresh::kZeros});
}

void OutputHead::set_precision(Precision precision) {
  precision_ = precision;
  product_.forget();
}

void OutputHead::freeze(Precision precision, WeightFormat weights) {
  frozen_ = freeze_to_fp32(master(), precision, weights, bias_);
  product_.forget();
  weight_.reset();
  bias_.reset();
}

}  // namespace limbeck::nn
