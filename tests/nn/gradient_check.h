// Compares tensors and gradients in tests of layers.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <vector>

namespace limbeck::nn {

// ‖a - b‖ / ‖b‖, in fp64.
inline double relative_error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.detach().to(at::kDouble);
  return ((a.detach().to(at::kDouble) - wide).norm() / (wide.norm() + 1e-30)).item<double>();
}

// Gradients of Σ weight∘f(inputs) for one or several results; the weights are the same numbers for the same shapes.
using Results = std::vector<at::Tensor>;
inline std::vector<at::Tensor> gradients_of(const std::function<Results(const std::vector<at::Tensor>&)>& f,
                                            const std::vector<at::Tensor>& inputs) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& input : inputs) leaves.push_back(input.detach().clone().requires_grad_(true));
  at::Tensor total;
  for (const at::Tensor& y : f(leaves)) {
    const at::Tensor weight = at::arange(y.numel(), y.options().requires_grad(false).dtype(at::kDouble)).mul(0.7).sin();
    const at::Tensor part = (y.to(at::kDouble) * weight.view_as(y)).sum();
    total = total.defined() ? total + part : part;
  }
  total.backward();
  std::vector<at::Tensor> result;
  for (const at::Tensor& leaf : leaves) result.push_back(leaf.grad());
  return result;
}

// Numbers that bf16 holds exactly.
inline at::Tensor exact_randn(at::IntArrayRef shape) {
  return at::randn(shape).to(at::kBFloat16).to(at::kFloat);
}

}  // namespace limbeck::nn
