#include "nn/mlp.h"

#include <ATen/ATen.h>

namespace limbeck::nn {

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  return at::silu(gate) * up;
}

GatedMlp::GatedMlp(const Shape& shape)
    : gate_({.in = shape.width, .out = shape.inner, .bias = shape.bias}),
      up_({.in = shape.width, .out = shape.inner, .bias = shape.bias}),
      down_({.in = shape.inner, .out = shape.width, .bias = shape.bias}) {}

at::Tensor GatedMlp::forward(const at::Tensor& x) {
  return down_.forward(swiglu(gate_.forward(x), up_.forward(x)));
}

void GatedMlp::parameters(Parameters& p) {
  p.group("gate_proj", gate_);
  p.group("up_proj", up_);
  p.group("down_proj", down_);
}

}  // namespace limbeck::nn
