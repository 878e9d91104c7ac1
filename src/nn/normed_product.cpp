#include "nn/normed_product.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "tensor/dtype.h"
#include "tensor/product.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class NormedProduct : public torch::autograd::Function<NormedProduct> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& delta,
                               const at::Tensor& norm_weight, at::TensorList weights, at::TensorList biases,
                               const NormSettings& norm, const PlainProduct& product) {
    const NormedRows rows = normalise(x, delta, norm, kept_sum(norm.output));
    context->set_materialize_grads(false);
    context->saved_data["weights"] = product.masters.weights;
    context->saved_data["biases"] = product.masters.biases;
    context->saved_data["delta_dtype"] = static_cast<int64_t>(delta.scalar_type());
    context->saved_data["output"] = static_cast<int64_t>(norm.output);
    context->save_for_backward({rows.kept, rows.scale, norm_weight, product.weight});
    return {rows.sum, times_transposed(rows.y, product.weight, product.bias)};
  }

  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto saved = context->get_saved_variables();
    const auto delta_type = static_cast<at::ScalarType>(context->saved_data["delta_dtype"].toInt());
    const auto output = static_cast<Precision>(context->saved_data["output"].toInt());
    const Masters masters{context->saved_data["weights"].toTensorVector(),
                          context->saved_data["biases"].toTensorVector()};
    const std::size_t num_masters = masters.weights.size() + masters.biases.size();
    variable_list result(3 + num_masters + 2);
    if (!outer[1].defined()) {
      result[0] = outer[0];
      if (outer[0].defined()) result[1] = outer[0].to(delta_type);
      return result;
    }
    const at::Tensor dy = outer[1].to(dtype_of(output)).contiguous();
    NormSettings norm{.weight = saved[2]};
    norm.output = output;
    const NormGradients g = norm_gradients({{}, saved[0], saved[1], {}}, norm, times(dy, saved[3]),
                                           {.dsum = outer[0], .delta_type = delta_type, .want_y = true});
    result[0] = g.x;
    result[1] = g.delta;
    result[2] = g.weight;
    auto gradients = master_gradients(masters, dy, g.y);
    std::move(gradients.begin(), gradients.end(), result.begin() + 3);
    return result;
  }
};

}  // namespace

std::pair<at::Tensor, at::Tensor> add_and_norm(RmsNorm& norm, const at::Tensor& x, const at::Tensor& delta) {
  return delta.defined() ? norm.add_forward(x, delta) : std::pair{x, norm.forward(x)};
}

std::pair<at::Tensor, at::Tensor> normed_product(RmsNorm& norm, JointLinear& linear, const at::Tensor& x,
                                                 const at::Tensor& delta) {
  const bool learns = at::GradMode::is_enabled() && delta.defined() && x.scalar_type() == at::kFloat;
  const auto product = learns ? linear.plain() : std::nullopt;
  const NormSettings settings = norm.settings();
  if (!product || settings.output != product->precision) {
    const auto [sum, normed] = add_and_norm(norm, x, delta);
    return {sum, linear.forward(normed)};
  }
  const variable_list result = NormedProduct::apply(x, delta, settings.weight, at::TensorList(product->masters.weights),
                                                    at::TensorList(product->masters.biases), settings, *product);
  return {result[0], result[1]};
}

}  // namespace limbeck::nn
