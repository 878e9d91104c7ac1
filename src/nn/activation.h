// The activations of feed-forward blocks as differentiable functions; computed in fp32 by the kernels.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string_view>

#include "kernels/activation.h"

namespace limbeck::nn {

using kernels::Activation;

// x [N,F] -> [N,F], in its dtype.
at::Tensor activate(const at::Tensor& x, Activation kind);
// gate_up [N,2F], the gate's columns first -> activation(gate) · up [N,F], in its dtype.
at::Tensor activate_gated(const at::Tensor& gate_up, Activation kind);

// By the names of Hugging Face's configs (gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, quick_gelu, silu, relu, ...);
// none for a name that is not implemented.
std::optional<Activation> activation_named(std::string_view name);

}  // namespace limbeck::nn
