#include "nn/mlp.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/profile.h"
#include "kernels/swiglu.h"

namespace limbeck::nn {
namespace {

using kernels::BFloat16;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor activate(const at::Tensor& gate_up) {
  const Span span("swiglu", "model", gate_up.size(0));
  const at::Tensor rows = gate_up.contiguous();
  const int64_t n = rows.size(0), inner = rows.size(1) / 2;
  at::Tensor y = at::empty({n, inner}, rows.options().requires_grad(false));
  if (rows.scalar_type() == at::kBFloat16)
    kernels::swiglu(static_cast<const BFloat16*>(rows.const_data_ptr()), static_cast<BFloat16*>(y.data_ptr()), n,
                    inner);
  else
    kernels::swiglu(rows.const_data_ptr<float>(), y.data_ptr<float>(), n, inner);
  return y;
}

class SwiGlu : public torch::autograd::Function<SwiGlu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up) {
    context->save_for_backward({gate_up});
    return activate(gate_up);
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const Span span("swiglu gradient", "model");
    const at::Tensor gate_up = context->get_saved_variables()[0].contiguous(), dy = outer[0].contiguous();
    const int64_t n = dy.size(0), inner = dy.size(1);
    at::Tensor result = at::empty_like(gate_up);
    if (gate_up.scalar_type() == at::kBFloat16)
      kernels::swiglu_gradient(static_cast<const BFloat16*>(gate_up.const_data_ptr()),
                               static_cast<const BFloat16*>(dy.const_data_ptr()),
                               static_cast<BFloat16*>(result.data_ptr()), n, inner);
    else
      kernels::swiglu_gradient(gate_up.const_data_ptr<float>(), dy.const_data_ptr<float>(), result.data_ptr<float>(), n,
                               inner);
    return {result};
  }
};

}  // namespace

at::Tensor swiglu(const at::Tensor& gate_up) {
  return at::GradMode::is_enabled() ? SwiGlu::apply(gate_up) : activate(gate_up);
}

GatedMlp::GatedMlp(const Shape& shape)
    : gate_up_(
          {.in = shape.width, .bias = shape.bias, .parts = {{"gate_proj", shape.inner}, {"up_proj", shape.inner}}}),
      down_({.in = shape.inner, .out = shape.width, .bias = shape.bias}),
      activation_(shape.activation) {}

at::Tensor GatedMlp::forward(const at::Tensor& x) {
  const at::Tensor gate_up = gate_up_.forward(x);
  return down_.forward(activation_ == Activation::kSilu ? swiglu(gate_up) : activate_gated(gate_up, activation_));
}

void GatedMlp::parameters(Parameters& p) {
  gate_up_.parameters(p);
  p.group("down_proj", down_);
}

Mlp::Mlp(const Shape& shape)
    : in_name_(shape.in_name),
      out_name_(shape.out_name),
      in_({.in = shape.width, .out = shape.inner, .bias = true, .layout = shape.layout}),
      out_({.in = shape.inner,
            .out = shape.width,
            .bias = true,
            .deviation = shape.out_deviation,
            .layout = shape.layout}),
      activation_(shape.activation) {}

at::Tensor Mlp::forward(const at::Tensor& x) {
  return out_.forward(activate(in_.forward(x), activation_));
}

void Mlp::parameters(Parameters& p) {
  p.group(in_name_, in_);
  p.group(out_name_, out_);
}

}  // namespace limbeck::nn
