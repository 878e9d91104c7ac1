#include "tensor/gradients.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

namespace limbeck {
namespace {

thread_local bool in_place = false;

}  // namespace

GradientsInPlace::GradientsInPlace() : before_(in_place) {
  in_place = true;
}
GradientsInPlace::~GradientsInPlace() {
  in_place = before_;
}

bool takes_gradient_in_place(const at::Tensor& tensor) {
  return in_place && tensor.defined() && tensor.is_leaf() && tensor.requires_grad();
}

at::Tensor hand_over(const at::Tensor& tensor, at::Tensor gradient) {
  if (!gradient.defined() || !takes_gradient_in_place(tensor)) return gradient;
  const at::NoGradGuard no_grad;
  at::Tensor& there = tensor.mutable_grad();
  if (there.defined())
    there.add_(gradient);
  else
    there = std::move(gradient);
  return {};
}

}  // namespace limbeck
