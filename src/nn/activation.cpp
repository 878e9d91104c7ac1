#include "nn/activation.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <array>
#include <utility>

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class Number>
const Number* read(const at::Tensor& tensor) {
  return static_cast<const Number*>(tensor.const_data_ptr());
}
template <class Number>
Number* written(const at::Tensor& tensor) {
  return static_cast<Number*>(tensor.mutable_data_ptr());
}

// f(a value of the tensor's number type)
template <class F>
void with_number_type(const at::Tensor& tensor, F&& f) {
  if (tensor.scalar_type() == at::kBFloat16)
    f(kernels::BFloat16{});
  else
    f(float{});
}

at::Tensor activated(const at::Tensor& x, Activation kind) {
  const at::Tensor numbers = x.contiguous(), y = at::empty(x.sizes(), x.options().requires_grad(false));
  with_number_type(x, [&](auto number) {
    using Number = decltype(number);
    kernels::activate(kind, read<Number>(numbers), written<Number>(y), y.numel());
  });
  return y;
}

at::Tensor gated(const at::Tensor& gate_up, Activation kind) {
  const at::Tensor rows = gate_up.contiguous();
  const int64_t n = rows.size(0), inner = rows.size(1) / 2;
  const at::Tensor y = at::empty({n, inner}, rows.options().requires_grad(false));
  with_number_type(rows, [&](auto number) {
    using Number = decltype(number);
    kernels::activate_gated(kind, read<Number>(rows), written<Number>(y), n, inner);
  });
  return y;
}

class Activate : public torch::autograd::Function<Activate> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, Activation kind) {
    context->save_for_backward({x});
    context->saved_data["kind"] = static_cast<int64_t>(kind);
    return activated(x, kind);
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const at::Tensor x = context->get_saved_variables()[0].contiguous(), dy = outer[0].contiguous();
    const at::Tensor dx = at::empty_like(x);
    with_number_type(x, [&](auto number) {
      using Number = decltype(number);
      kernels::activate_gradient(static_cast<Activation>(context->saved_data["kind"].toInt()), read<Number>(x),
                                 read<Number>(dy), written<Number>(dx), x.numel());
    });
    return {dx, {}};
  }
};

class ActivateGated : public torch::autograd::Function<ActivateGated> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up, Activation kind) {
    context->save_for_backward({gate_up});
    context->saved_data["kind"] = static_cast<int64_t>(kind);
    return gated(gate_up, kind);
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const at::Tensor gate_up = context->get_saved_variables()[0].contiguous(), dy = outer[0].contiguous();
    const at::Tensor result = at::empty_like(gate_up);
    with_number_type(gate_up, [&](auto number) {
      using Number = decltype(number);
      kernels::activate_gated_gradient(static_cast<Activation>(context->saved_data["kind"].toInt()),
                                       read<Number>(gate_up), read<Number>(dy), written<Number>(result), dy.size(0),
                                       dy.size(1));
    });
    return {result, {}};
  }
};

}  // namespace

at::Tensor activate(const at::Tensor& x, Activation kind) {
  return at::GradMode::is_enabled() ? Activate::apply(x, kind) : activated(x, kind);
}

at::Tensor activate_gated(const at::Tensor& gate_up, Activation kind) {
  return at::GradMode::is_enabled() ? ActivateGated::apply(gate_up, kind) : gated(gate_up, kind);
}

std::optional<Activation> activation_named(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Activation>, 10> kNames = {{
      {"gelu", Activation::kGelu},
      {"gelu_python", Activation::kGelu},
      {"gelu_new", Activation::kGeluTanh},
      {"gelu_pytorch_tanh", Activation::kGeluTanh},
      {"gelu_python_tanh", Activation::kGeluTanh},
      {"gelu_fast", Activation::kGeluTanh},
      {"quick_gelu", Activation::kQuickGelu},
      {"silu", Activation::kSilu},
      {"swish", Activation::kSilu},
      {"relu", Activation::kRelu},
  }};
  for (const auto& [known, kind] : kNames)
    if (known == name) return kind;
  return std::nullopt;
}

}  // namespace limbeck::nn
