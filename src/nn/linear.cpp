#include "nn/linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

#include "base/errors.h"

namespace limbeck::nn {
namespace {

std::vector<at::Tensor> none_or(const at::Tensor& tensor) {
  return tensor.defined() ? std::vector<at::Tensor>{tensor} : std::vector<at::Tensor>{};
}

PlainProduct plain_of(Product& product, const Masters& masters, Precision precision) {
  return {masters, product.joined_weight(masters, precision), product.joined_bias(masters, precision), precision};
}

}  // namespace

Linear::Linear(const Shape& shape) : Linear(shape, at::empty({shape.out, shape.in}, at::kFloat)) {}

Linear::Linear(const Shape& shape, const at::Tensor& weight)
    : shape_(shape), weight_(weight.variable_data().requires_grad_(true)) {
  if (shape.bias) bias_ = at::empty({shape.out}, at::kFloat).requires_grad_(true);
}

at::Tensor Linear::forward(const at::Tensor& x) {
  if (frozen_) return frozen_(x);
  at::Tensor y;
  if (transform_) {
    Product once;  // the transformed weight lives as long as this pass
    y = once.forward(x, {{transform_->apply(weight_)}, none_or(bias_)}, precision_);
  } else {
    y = product_.forward(x, {{weight_}, none_or(bias_)}, precision_);
  }
  return branch_ ? y + branch_->forward(x).to(y.scalar_type()) : y;
}

std::optional<PlainProduct> Linear::plain() {
  if (frozen_ || has_slots()) return std::nullopt;
  return plain_of(product_, {{weight_}, none_or(bias_)}, precision_);
}

void Linear::parameters(Parameters& p) {
  if (!weight_.defined()) fail("linear", "expected a trainable layer but received one that was frozen");
  p.linear(*this);
  p("weight", weight_, {.deviation = shape_.deviation, .layout = shape_.layout});
  if (bias_.defined()) p("bias", bias_, {.fresh = Fresh::kZeros, .layout = shape_.layout});
  if (transform_) transform_->parameters(p);
  if (branch_) branch_->parameters(p);
}

void Linear::fold() {
  at::NoGradGuard no_grad;
  if (transform_) weight_.copy_(transform_->apply(weight_));
  if (branch_) weight_.add_(branch_->delta());
  transform_.reset();
  branch_.reset();
  weights_changed();
}

void Linear::set_precision(Precision precision) {
  precision_ = precision;
  weights_changed();
}

void Linear::weights_changed() {
  product_.forget();
}

void Linear::freeze(Precision precision, WeightFormat weights) {
  fold();
  frozen_ = freeze_product({{weight_}, none_or(bias_)}, precision, weights);
  release();
}

void Linear::release() {
  product_.forget();
  weight_.reset();
  bias_.reset();
}

// The weights stand behind each other in memory, so that the product needs no copy that joins them.
JointLinear::JointLinear(const Shape& shape) {
  int64_t rows = 0;
  for (const Part& part : shape.parts) rows += part.out;
  const at::Tensor whole = at::empty({rows, shape.in}, at::kFloat);
  rows = 0;
  for (const Part& part : shape.parts) {
    names_.emplace_back(part.name);
    parts_.push_back(Linear({.in = shape.in, .out = part.out, .bias = shape.bias}, whole.narrow(0, rows, part.out)));
    rows += part.out;
  }
}

Masters JointLinear::masters() const {
  Masters masters;
  for (const Linear& part : parts_) {
    masters.weights.push_back(part.weight_);
    if (part.bias_.defined()) masters.biases.push_back(part.bias_);
  }
  return masters;
}

at::Tensor JointLinear::forward(const at::Tensor& x) {
  if (frozen_) return frozen_(x);
  bool transforms = false, branches = false;
  for (const Linear& part : parts_) {
    transforms = transforms || part.transform_;
    branches = branches || part.branch_;
  }
  std::vector<at::Tensor> results;
  if (transforms) {
    for (Linear& part : parts_) results.push_back(part.forward(x));
    return at::cat(results, 1);
  }
  const at::Tensor y = product_.forward(x, masters(), precision_);
  if (!branches) return y;
  int64_t first = 0;
  for (const Linear& part : parts_) {  // one product still; what branches add is narrow
    at::Tensor piece = y.narrow(1, first, part.shape_.out);
    if (part.branch_) piece = piece + part.branch_->forward(x).to(y.scalar_type());
    results.push_back(piece);
    first += part.shape_.out;
  }
  return at::cat(results, 1);
}

bool JointLinear::has_slots() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Linear& part) { return part.has_slots(); });
}

std::optional<PlainProduct> JointLinear::plain() {
  if (frozen_ || has_slots()) return std::nullopt;
  return plain_of(product_, masters(), precision_);
}

void JointLinear::parameters(Parameters& p) {
  for (std::size_t i = 0; i < parts_.size(); ++i) p.group(names_[i], parts_[i]);
}

void JointLinear::set_precision(Precision precision) {
  precision_ = precision;
  product_.forget();
  for (Linear& part : parts_) part.set_precision(precision);
}

void JointLinear::weights_changed() {
  product_.forget();
  for (Linear& part : parts_) part.weights_changed();
}

void JointLinear::freeze(Precision precision, WeightFormat weights) {
  for (Linear& part : parts_) part.fold();
  frozen_ = freeze_product(masters(), precision, weights);
  product_.forget();
  for (Linear& part : parts_) part.release();
}

}  // namespace limbeck::nn
