// Layer normalisation (Ba et al. 2016, arXiv:1607.06450), computed in fp32, together with the residual sum before it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>

#include "nn/parameters.h"
#include "tensor/device.h"

namespace limbeck::nn {

class LayerNorm {
 public:
  LayerNorm(int64_t width, double epsilon);  // uninitialised
  at::Tensor forward(const at::Tensor& x);   // [N,D] fp32 -> [N,D] in the output precision
  // x [N,D] fp32 and delta [N,D] of any precision -> x + delta in fp32, and its norm.
  std::pair<at::Tensor, at::Tensor> add_forward(const at::Tensor& x, const at::Tensor& delta);
  void parameters(Parameters& p) {
    p("weight", weight_, {.fresh = Fresh::kOnes});
    p("bias", bias_, {.fresh = Fresh::kZeros});
  }
  void set_output(Precision precision) { output_ = precision; }
  void freeze();

 private:
  at::Tensor weight_, bias_;  // [D]
  double epsilon_;
  Precision output_ = Precision::kFp32;
};

}  // namespace limbeck::nn
