#include "nn/rms_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Scales, sums and what else the gradients read.
NormedRows rows_of(const variable_list& saved) {
  return {{}, saved[0], saved[1], {}};
}

class Norm : public torch::autograd::Function<Norm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, double epsilon,
                            Precision output) {
    const NormedRows normed = normalise(x, {}, {weight, epsilon, output}, KeptSum::kExact);
    context->saved_data["x_dtype"] = static_cast<int64_t>(x.scalar_type());
    context->save_for_backward({normed.kept, normed.scale, weight});
    return normed.y;
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto saved = context->get_saved_variables();
    const NormGradients g = norm_gradients(rows_of(saved), {.weight = saved[2]}, outer[0], {});
    return {g.x.to(static_cast<at::ScalarType>(context->saved_data["x_dtype"].toInt())), g.weight, {}, {}};
  }
};

class AddNorm : public torch::autograd::Function<AddNorm> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& delta,
                               const at::Tensor& weight, double epsilon, Precision output) {
    const NormedRows normed = normalise(x, delta, {weight, epsilon, output}, KeptSum::kExact);
    context->set_materialize_grads(false);
    context->saved_data["delta_dtype"] = static_cast<int64_t>(delta.scalar_type());
    context->save_for_backward({normed.kept, normed.scale, weight});
    return {normed.sum, normed.y};
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto delta_type = static_cast<at::ScalarType>(context->saved_data["delta_dtype"].toInt());
    if (!outer[1].defined()) return {outer[0], outer[0].defined() ? outer[0].to(delta_type) : outer[0], {}, {}, {}};
    const auto saved = context->get_saved_variables();
    const NormGradients g = norm_gradients(rows_of(saved), {.weight = saved[2]}, outer[1],
                                           {.dsum = outer[0], .delta_type = delta_type, .want_y = false});
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
  if (!at::GradMode::is_enabled()) return normalise(x, {}, settings(), KeptSum::kExact).y;
  return Norm::apply(x, multiplier(), epsilon_, output_);
}

std::pair<at::Tensor, at::Tensor> RmsNorm::add_forward(const at::Tensor& x, const at::Tensor& delta) {
  if (!at::GradMode::is_enabled()) {
    const NormedRows normed = normalise(x, delta, settings(), KeptSum::kExact);
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
