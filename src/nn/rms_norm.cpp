#include "nn/rms_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "base/profile.h"
#include "kernels/rms_norm.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

kernels::BFloat16* low(const at::Tensor& t) {
  return static_cast<kernels::BFloat16*>(t.mutable_data_ptr());
}
const kernels::BFloat16* const_low(const at::Tensor& t) {
  return static_cast<const kernels::BFloat16*>(t.const_data_ptr());
}
bool is_low(const at::Tensor& t) {
  return t.scalar_type() == at::kBFloat16;
}

struct Normed {
  at::Tensor sum, scale, y;  // sum is x itself where there is no delta
};

Normed normalise(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight, double epsilon,
                 Precision output) {
  if (x.dim() != 2 || x.size(1) != weight.size(0))
    fail("rms_norm", "expected an input of width {} but received {}", weight.size(0), x.dim() == 2 ? x.size(1) : -1);
  const Span span("norm", "model", x.size(0));
  const at::Tensor rows = x.to(at::kFloat).contiguous();
  const auto options = rows.options().requires_grad(false);
  Normed result{delta.defined() ? at::empty(rows.sizes(), options) : rows, at::empty({rows.size(0)}, options),
                at::empty(rows.sizes(), options.dtype(output == Precision::kBf16 ? at::kBFloat16 : at::kFloat))};
  kernels::RmsNorm norm{.rows = rows.size(0), .width = rows.size(1), .epsilon = static_cast<float>(epsilon)};
  const at::Tensor addend = delta.defined() ? delta.contiguous() : delta;
  norm.x = rows.const_data_ptr<float>();
  if (addend.defined() && is_low(addend)) norm.delta_low = const_low(addend);
  if (addend.defined() && !is_low(addend)) norm.delta = addend.const_data_ptr<float>();
  norm.weight = weight.const_data_ptr<float>();
  if (addend.defined()) norm.sum = result.sum.mutable_data_ptr<float>();
  norm.scale = result.scale.mutable_data_ptr<float>();
  if (is_low(result.y))
    norm.y_low = low(result.y);
  else
    norm.y = result.y.mutable_data_ptr<float>();
  kernels::rms_norm(norm);
  return result;
}

struct Gradients {
  at::Tensor x, delta, weight;
};

Gradients backward_of(const variable_list& saved, const at::Tensor& dsum, const at::Tensor& dy,
                      at::ScalarType delta_type) {
  const at::Tensor &sum = saved[0], &scale = saved[1], &weight = saved[2];
  const Span span("norm gradient", "model", sum.size(0));
  const at::Tensor gradient = dy.contiguous(), outer = dsum.defined() ? dsum.contiguous() : dsum;
  Gradients result{at::empty_like(sum), {}, at::empty_like(weight)};
  kernels::RmsNormGradient g{.rows = sum.size(0), .width = sum.size(1)};
  g.sum = sum.const_data_ptr<float>();
  g.scale = scale.const_data_ptr<float>();
  g.weight = weight.const_data_ptr<float>();
  if (is_low(gradient))
    g.dy_low = const_low(gradient);
  else
    g.dy = gradient.const_data_ptr<float>();
  if (outer.defined()) g.dsum = outer.const_data_ptr<float>();
  g.dx = result.x.mutable_data_ptr<float>();
  if (delta_type == at::kBFloat16) {
    result.delta = at::empty(sum.sizes(), sum.options().dtype(at::kBFloat16));
    g.dx_low = low(result.delta);
  }
  g.dweight = result.weight.mutable_data_ptr<float>();
  kernels::rms_norm_gradient(g);
  if (delta_type == at::kFloat) result.delta = result.x;
  return result;
}

class Norm : public torch::autograd::Function<Norm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, double epsilon,
                            Precision output) {
    const Normed normed = normalise(x, {}, weight, epsilon, output);
    context->saved_data["x_dtype"] = static_cast<int64_t>(x.scalar_type());
    context->save_for_backward({normed.sum, normed.scale, weight});
    return normed.y;
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const Gradients g = backward_of(context->get_saved_variables(), {}, outer[0], at::ScalarType::Undefined);
    return {g.x.to(static_cast<at::ScalarType>(context->saved_data["x_dtype"].toInt())), g.weight, {}, {}};
  }
};

class AddNorm : public torch::autograd::Function<AddNorm> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& delta,
                               const at::Tensor& weight, double epsilon, Precision output) {
    const Normed normed = normalise(x, delta, weight, epsilon, output);
    context->set_materialize_grads(false);
    context->saved_data["delta_dtype"] = static_cast<int64_t>(delta.scalar_type());
    context->save_for_backward({normed.sum, normed.scale, weight});
    return {normed.sum, normed.y};
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto delta_type = static_cast<at::ScalarType>(context->saved_data["delta_dtype"].toInt());
    if (!outer[1].defined()) return {outer[0], outer[0].defined() ? outer[0].to(delta_type) : outer[0], {}, {}, {}};
    const Gradients g = backward_of(context->get_saved_variables(), outer[0], outer[1], delta_type);
    return {g.x, g.delta, g.weight, {}, {}};
  }
};

}  // namespace

RmsNorm::RmsNorm(int64_t width, double epsilon, NormWeight kind)
    : weight_(at::empty({width}, at::kFloat).requires_grad_(true)), epsilon_(epsilon), kind_(kind) {}

at::Tensor RmsNorm::multiplier() const {
  return kind_ == NormWeight::kPlain ? weight_ : weight_ + 1;
}

at::Tensor RmsNorm::forward(const at::Tensor& x) {
  if (!at::GradMode::is_enabled()) return normalise(x, {}, multiplier(), epsilon_, output_).y;
  return Norm::apply(x, multiplier(), epsilon_, output_);
}

std::pair<at::Tensor, at::Tensor> RmsNorm::add_forward(const at::Tensor& x, const at::Tensor& delta) {
  if (!at::GradMode::is_enabled()) {
    const Normed normed = normalise(x, delta, multiplier(), epsilon_, output_);
    return {normed.sum, normed.y};
  }
  const variable_list result = AddNorm::apply(x, delta, multiplier(), epsilon_, output_);
  return {result[0], result[1]};
}

void RmsNorm::freeze() {
  weight_ = multiplier().detach();
  kind_ = NormWeight::kPlain;
}

}  // namespace limbeck::nn
