#include "nn/rms_norm.h"

#include <ATen/ATen.h>

namespace limbeck::nn {

RmsNorm::RmsNorm(int64_t width, double epsilon)
    : weight_(at::empty({width}, at::kFloat).requires_grad_(true)), epsilon_(epsilon) {}

at::Tensor RmsNorm::forward(const at::Tensor& x) {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor scale = (wide.square().mean({-1}, true) + epsilon_).rsqrt();
  const at::Tensor y = weight_ * (wide * scale);
  return output_ == Precision::kBf16 ? y.to(at::kBFloat16) : y;
}

}  // namespace limbeck::nn
