#include "nn/linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// y = x Wᵀ + b in bf16. The masters are inputs only so that their gradients, in fp32, have somewhere to go.
class LowPrecisionProduct : public torch::autograd::Function<LowPrecisionProduct> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& master_weight,
                            const std::optional<at::Tensor>& master_bias, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias) {
    const at::Tensor x_low = x.to(at::kBFloat16);
    context->saved_data["x_dtype"] = static_cast<int64_t>(x.scalar_type());
    context->saved_data["has_bias"] = master_bias.has_value();
    context->save_for_backward({x_low, weight});
    return at::linear(x_low, weight, bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor dy = gradients[0].to(at::kBFloat16);
    at::Tensor dx, dw, db;
    if (context->needs_input_grad(0))
      dx = at::mm(dy, saved[1]).to(static_cast<at::ScalarType>(context->saved_data["x_dtype"].toInt()));
    if (context->needs_input_grad(1)) dw = at::mm(dy.t(), saved[0]).to(at::kFloat);
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2))
      db = at::sum(dy, {0}, false, at::kFloat);
    return {dx, dw, db, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

Linear::Linear(const Shape& shape)
    : shape_(shape), weight_(at::empty({shape.out, shape.in}, at::kFloat).requires_grad_(true)) {
  if (shape.bias) bias_ = at::empty({shape.out}, at::kFloat).requires_grad_(true);
}

at::Tensor Linear::forward(const at::Tensor& x) {
  if (frozen_) return frozen_(x);
  at::Tensor y;
  const at::Tensor weight = transform_ ? transform_->apply(weight_) : weight_;
  if (precision_ == Precision::kFp32) {
    y = at::linear(x, weight, bias_);
  } else {
    at::Tensor low = low_weight_;
    {
      at::NoGradGuard no_grad;
      if (!low.defined() || transform_) low = weight.detach().to(at::kBFloat16);
      if (bias_.defined() && !low_bias_.defined()) low_bias_ = bias_.detach().to(at::kBFloat16);
    }
    if (!transform_) low_weight_ = low;
    const auto optional = [](const at::Tensor& t) { return t.defined() ? std::optional(t) : std::nullopt; };
    y = LowPrecisionProduct::apply(x, weight, optional(bias_), low, optional(low_bias_));
  }
  return branch_ ? y + branch_->forward(x) : y;
}

void Linear::parameters(Parameters& p) {
  if (!weight_.defined()) fail("linear", "expected a trainable layer but received one that was frozen");
  p("weight", weight_);
  if (bias_.defined()) p("bias", bias_);
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
  low_weight_.reset();
  low_bias_.reset();
}

void Linear::freeze(Precision precision) {
  fold();
  at::NoGradGuard no_grad;
  const at::ScalarType dtype = precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
  const at::Tensor weight = weight_.detach().to(dtype);
  const at::Tensor bias = bias_.defined() ? bias_.detach().to(dtype) : bias_;
  frozen_ = [weight, bias, dtype](const at::Tensor& x) { return at::linear(x.to(dtype), weight, bias); };
  weight_.reset();
  bias_.reset();
}

}  // namespace limbeck::nn
