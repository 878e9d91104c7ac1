#include "nn/layer_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "kernels/layer_norm.h"
#include "tensor/dtype.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool is_bf16(const at::Tensor& t) {
  return t.scalar_type() == at::kBFloat16;
}
const kernels::BFloat16* bf16_numbers(const at::Tensor& t) {
  return static_cast<const kernels::BFloat16*>(t.const_data_ptr());
}
kernels::BFloat16* mutable_bf16_numbers(const at::Tensor& t) {
  return static_cast<kernels::BFloat16*>(t.mutable_data_ptr());
}

struct LayerNormed {
  at::Tensor sum, mean, scale, y;  // sum is x itself where there is no delta
};

LayerNormed layer_normalise(const at::Tensor& x, const at::Tensor& delta, const at::Tensor& weight,
                            const at::Tensor& bias, double epsilon, Precision output) {
  if (x.dim() != 2 || x.size(1) != weight.size(0))
    fail("layer_norm", "expected an input of width {} but received {}", weight.size(0), x.dim() == 2 ? x.size(1) : -1);
  const at::Tensor rows = x.to(at::kFloat).contiguous(), addend = delta.defined() ? delta.contiguous() : delta;
  const auto options = rows.options().requires_grad(false);
  LayerNormed result{delta.defined() ? at::empty(rows.sizes(), options) : rows, at::empty({rows.size(0)}, options),
                     at::empty({rows.size(0)}, options), at::empty(rows.sizes(), options.dtype(dtype_of(output)))};
  kernels::LayerNorm norm{.rows = rows.size(0), .width = rows.size(1), .epsilon = static_cast<float>(epsilon)};
  norm.x = rows.const_data_ptr<float>();
  norm.weight = weight.const_data_ptr<float>();
  norm.bias = bias.const_data_ptr<float>();
  norm.mean = result.mean.mutable_data_ptr<float>();
  norm.scale = result.scale.mutable_data_ptr<float>();
  if (addend.defined()) {
    norm.sum = result.sum.mutable_data_ptr<float>();
    if (is_bf16(addend))
      norm.delta_low = bf16_numbers(addend);
    else
      norm.delta = addend.const_data_ptr<float>();
  }
  if (is_bf16(result.y))
    norm.y_low = mutable_bf16_numbers(result.y);
  else
    norm.y = result.y.mutable_data_ptr<float>();
  kernels::layer_norm(norm);
  return result;
}

struct LayerNormGradients {
  at::Tensor x, delta, weight, bias;
};

LayerNormGradients layer_norm_backward(const variable_list& saved, const at::Tensor& dsum, const at::Tensor& dy,
                                       at::ScalarType delta_type) {
  const at::Tensor &sum = saved[0], &weight = saved[3];
  const at::Tensor gradient = dy.contiguous(), outer = dsum.defined() ? dsum.contiguous() : dsum;
  LayerNormGradients result{at::empty_like(sum), {}, at::empty_like(weight), at::empty_like(weight)};
  kernels::LayerNormGradient g{.rows = sum.size(0), .width = sum.size(1)};
  g.sum = sum.const_data_ptr<float>();
  g.mean = saved[1].const_data_ptr<float>();
  g.scale = saved[2].const_data_ptr<float>();
  g.weight = weight.const_data_ptr<float>();
  if (is_bf16(gradient))
    g.dy_low = bf16_numbers(gradient);
  else
    g.dy = gradient.const_data_ptr<float>();
  if (outer.defined()) g.dsum = outer.const_data_ptr<float>();
  g.dx = result.x.mutable_data_ptr<float>();
  if (delta_type == at::kBFloat16) {
    result.delta = at::empty(sum.sizes(), sum.options().dtype(at::kBFloat16));
    g.dx_low = mutable_bf16_numbers(result.delta);
  }
  g.dweight = result.weight.mutable_data_ptr<float>();
  g.dbias = result.bias.mutable_data_ptr<float>();
  kernels::layer_norm_gradient(g);
  if (delta_type == at::kFloat) result.delta = result.x;
  return result;
}

class NormLayer : public torch::autograd::Function<NormLayer> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, double epsilon, Precision output) {
    const LayerNormed normed = layer_normalise(x, {}, weight, bias, epsilon, output);
    context->saved_data["x_dtype"] = static_cast<int64_t>(x.scalar_type());
    context->save_for_backward({normed.sum, normed.mean, normed.scale, weight});
    return normed.y;
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto type = static_cast<at::ScalarType>(context->saved_data["x_dtype"].toInt());
    const auto g = layer_norm_backward(context->get_saved_variables(), {}, outer[0], at::ScalarType::Undefined);
    return {g.x.to(type), g.weight, g.bias, {}, {}};
  }
};

class AddNormLayer : public torch::autograd::Function<AddNormLayer> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& delta,
                               const at::Tensor& weight, const at::Tensor& bias, double epsilon, Precision output) {
    const LayerNormed normed = layer_normalise(x, delta, weight, bias, epsilon, output);
    context->set_materialize_grads(false);
    context->saved_data["delta_dtype"] = static_cast<int64_t>(delta.scalar_type());
    context->save_for_backward({normed.sum, normed.mean, normed.scale, weight});
    return {normed.sum, normed.y};
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto type = static_cast<at::ScalarType>(context->saved_data["delta_dtype"].toInt());
    if (!outer[1].defined()) return {outer[0], outer[0].defined() ? outer[0].to(type) : outer[0], {}, {}, {}, {}};
    const auto g = layer_norm_backward(context->get_saved_variables(), outer[0], outer[1], type);
    return {g.x, g.delta, g.weight, g.bias, {}, {}};
  }
};

}  // namespace

LayerNorm::LayerNorm(int64_t width, double epsilon)
    : weight_(at::empty({width}, at::kFloat).requires_grad_(true)),
      bias_(at::empty({width}, at::kFloat).requires_grad_(true)),
      epsilon_(epsilon) {}

at::Tensor LayerNorm::forward(const at::Tensor& x) {
  if (!at::GradMode::is_enabled()) return layer_normalise(x, {}, weight_, bias_, epsilon_, output_).y;
  return NormLayer::apply(x, weight_, bias_, epsilon_, output_);
}

std::pair<at::Tensor, at::Tensor> LayerNorm::add_forward(const at::Tensor& x, const at::Tensor& delta) {
  if (!at::GradMode::is_enabled()) {
    const LayerNormed normed = layer_normalise(x, delta, weight_, bias_, epsilon_, output_);
    return {normed.sum, normed.y};
  }
  const variable_list result = AddNormLayer::apply(x, delta, weight_, bias_, epsilon_, output_);
  return {result[0], result[1]};
}

void LayerNorm::freeze() {
  weight_ = weight_.detach();
  bias_ = bias_.detach();
}

}  // namespace limbeck::nn
