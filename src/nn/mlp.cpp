#include "nn/mlp.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/profile.h"
#include "kernels/swiglu.h"
#include "nn/normed_product.h"
#include "tensor/dtype.h"
#include "tensor/product.h"

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

struct Activated {
  at::Tensor dgate_up, y;  // y undefined where nobody wants it
};
Activated activation_gradient(const at::Tensor& gate_up, const at::Tensor& dy, bool want_y) {
  const Span span("swiglu gradient", "model", dy.size(0));
  const int64_t n = dy.size(0), inner = dy.size(1);
  Activated result{at::empty_like(gate_up), want_y ? at::empty_like(dy) : at::Tensor()};
  const auto run = [&](auto number) {
    using Number = decltype(number);
    kernels::swiglu_gradient(static_cast<const Number*>(gate_up.const_data_ptr()),
                             static_cast<const Number*>(dy.const_data_ptr()),
                             static_cast<Number*>(result.dgate_up.data_ptr()),
                             want_y ? static_cast<Number*>(result.y.data_ptr()) : nullptr, n, inner);
  };
  if (gate_up.scalar_type() == at::kBFloat16)
    run(BFloat16{});
  else
    run(float{});
  return result;
}

class SwiGlu : public torch::autograd::Function<SwiGlu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up) {
    context->save_for_backward({gate_up});
    return activate(gate_up);
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const at::Tensor gate_up = context->get_saved_variables()[0].contiguous(), dy = outer[0].contiguous();
    return {activation_gradient(gate_up, dy, false).dgate_up};
  }
};

struct MlpParts {
  PlainProduct gate_up, down;
  NormSettings norm;
  Recompute recompute = Recompute::kNone;
};

// Norm, both products and the gate between them. Inputs: x, delta, the norm's weight, then weights and biases of gate
// and up, and of down.
class NormedMlp : public torch::autograd::Function<NormedMlp> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& delta,
                               const at::Tensor& norm_weight, at::TensorList gate_up_masters,
                               at::TensorList down_masters, const MlpParts& parts) {
    const NormedRows rows = normalise(x, delta, parts.norm, kept_sum(parts.norm.output));
    const at::Tensor gate_up = times_transposed(rows.y, parts.gate_up.weight, parts.gate_up.bias);
    context->set_materialize_grads(false);
    context->saved_data["gate_up_weights"] = parts.gate_up.masters.weights;
    context->saved_data["gate_up_biases"] = parts.gate_up.masters.biases;
    context->saved_data["down_weights"] = parts.down.masters.weights;
    context->saved_data["down_biases"] = parts.down.masters.biases;
    context->saved_data["delta_dtype"] = static_cast<int64_t>(delta.scalar_type());
    context->saved_data["output"] = static_cast<int64_t>(parts.norm.output);
    context->save_for_backward({rows.kept, rows.scale, norm_weight, parts.gate_up.weight, parts.gate_up.bias,
                                parts.down.weight, parts.recompute == Recompute::kMlp ? at::Tensor() : gate_up});
    return {rows.sum, times_transposed(activate(gate_up), parts.down.weight, parts.down.bias)};
  }

  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto saved = context->get_saved_variables();
    const auto masters_of = [&](const char* weights, const char* biases) {
      return Masters{context->saved_data[weights].toTensorVector(), context->saved_data[biases].toTensorVector()};
    };
    const Masters gate_up_masters = masters_of("gate_up_weights", "gate_up_biases");
    const Masters down_masters = masters_of("down_weights", "down_biases");
    const auto delta_type = static_cast<at::ScalarType>(context->saved_data["delta_dtype"].toInt());
    const std::size_t num_gate_up = gate_up_masters.weights.size() + gate_up_masters.biases.size();
    const std::size_t num_down = down_masters.weights.size() + down_masters.biases.size();
    variable_list result(3 + num_gate_up + num_down + 1);
    if (!outer[1].defined()) {
      result[0] = outer[0];
      if (outer[0].defined()) result[1] = outer[0].to(delta_type);
      return result;
    }
    const at::Tensor &gate_up_weight = saved[3], &down_weight = saved[5];
    NormSettings norm{.weight = saved[2]};
    norm.output = static_cast<Precision>(context->saved_data["output"].toInt());
    const NormedRows kept{{}, saved[0], saved[1], {}};
    const at::Tensor gate_up =
        saved[6].defined() ? saved[6] : times_transposed(normed_again(kept, norm), gate_up_weight, saved[4]);

    const at::Tensor dy = outer[1].to(dtype_of(norm.output)).contiguous();
    const Activated activated = activation_gradient(gate_up, times(dy, down_weight), true);
    place(master_gradients(down_masters, dy, activated.y), result, 3 + num_gate_up);
    const NormGradients g = norm_gradients(kept, norm, times(activated.dgate_up, gate_up_weight),
                                           {.dsum = outer[0], .delta_type = delta_type, .want_y = true});
    place(master_gradients(gate_up_masters, activated.dgate_up, g.y), result, 3);
    result[0] = g.x;
    result[1] = g.delta;
    result[2] = g.weight;
    return result;
  }

 private:
  static void place(std::vector<at::Tensor> gradients, variable_list& result, std::size_t first) {
    for (std::size_t i = 0; i < gradients.size(); ++i) result[first + i] = std::move(gradients[i]);
  }
};

std::vector<at::Tensor> all_of(const Masters& masters) {
  std::vector<at::Tensor> all = masters.weights;
  all.insert(all.end(), masters.biases.begin(), masters.biases.end());
  return all;
}

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

std::pair<at::Tensor, at::Tensor> GatedMlp::add_forward(RmsNorm& norm, const at::Tensor& x, const at::Tensor& delta) {
  const bool learns = at::GradMode::is_enabled() && delta.defined() && x.scalar_type() == at::kFloat &&
                      activation_ == Activation::kSilu;
  const auto gate_up = learns ? gate_up_.plain() : std::nullopt, down = gate_up ? down_.plain() : std::nullopt;
  const NormSettings settings = norm.settings();
  if (!down || gate_up->precision != settings.output || down->precision != settings.output) {
    const auto [sum, normed] = add_and_norm(norm, x, delta);
    return {sum, forward(normed)};
  }
  const variable_list result =
      NormedMlp::apply(x, delta, settings.weight, at::TensorList(all_of(gate_up->masters)),
                       at::TensorList(all_of(down->masters)), MlpParts{*gate_up, *down, settings, recompute_});
  return {result[0], result[1]};
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
