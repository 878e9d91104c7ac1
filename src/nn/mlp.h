// The gated feed-forward block of the Llama family: down(silu(gate(x)) * up(x)), SwiGLU (Shazeer 2020,
// arXiv:2002.05202).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "nn/linear.h"
#include "nn/parameters.h"

namespace limbeck::nn {

// gate_up [N,2F], the gate's columns first -> silu(gate) * up [N,F], in its dtype. Differentiable; computed in fp32.
at::Tensor swiglu(const at::Tensor& gate_up);

class GatedMlp {
 public:
  struct Shape {
    int64_t width = 0, inner = 0;
    bool bias = false;
  };
  explicit GatedMlp(const Shape& shape);
  at::Tensor forward(const at::Tensor& x);  // [N,D] -> [N,D]
  void parameters(Parameters& p);
  template <class F>
  void each_product(F&& f) {  // JointLinear or Linear
    f(gate_up_), f(down_);
  }

 private:
  JointLinear gate_up_;
  Linear down_;
};

}  // namespace limbeck::nn
