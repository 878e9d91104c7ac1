// Feed-forward blocks: the gated one of the Llama family, down(f(gate(x)) * up(x)), with silu SwiGLU and with GELU
// GeGLU (Shazeer 2020, arXiv:2002.05202), and the plain one of the GPT family, out(f(in(x))).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "nn/activation.h"
#include "nn/linear.h"
#include "nn/parameters.h"
#include "nn/recompute.h"
#include "nn/rms_norm.h"

namespace limbeck::nn {

// gate_up [N,2F], the gate's columns first -> silu(gate) * up [N,F], in its dtype. Differentiable; computed in fp32.
at::Tensor swiglu(const at::Tensor& gate_up);

class GatedMlp {
 public:
  struct Shape {
    int64_t width = 0, inner = 0;
    bool bias = false;
    Activation activation = Activation::kSilu;
  };
  explicit GatedMlp(const Shape& shape);
  at::Tensor forward(const at::Tensor& x);  // [N,D] -> [N,D]
  // x [N,D] fp32 and delta [N,D], or undefined -> x + delta in fp32, and forward(norm(x + delta)). One step of autograd
  // that keeps the sum and the gate and up values, not what is cheap to compute again.
  std::pair<at::Tensor, at::Tensor> add_forward(RmsNorm& norm, const at::Tensor& x, const at::Tensor& delta);
  void set_recompute(Recompute recompute) { recompute_ = recompute; }
  void parameters(Parameters& p);
  template <class F>
  void each_product(F&& f) {  // JointLinear or Linear
    f(gate_up_), f(down_);
  }

 private:
  JointLinear gate_up_;
  Linear down_;
  Activation activation_;
  Recompute recompute_ = Recompute::kNone;
};

class Mlp {
 public:
  struct Shape {
    int64_t width = 0, inner = 0;
    Activation activation = Activation::kGelu;
    std::string_view in_name, out_name;  // of the two products
    FileLayout layout;
    double out_deviation = 1;  // of the second one's fresh weight
  };
  explicit Mlp(const Shape& shape);         // with biases
  at::Tensor forward(const at::Tensor& x);  // [N,D] -> [N,D]
  void parameters(Parameters& p);
  template <class F>
  void each_product(F&& f) {
    f(in_), f(out_);
  }

 private:
  std::string in_name_, out_name_;
  Linear in_, out_;
  Activation activation_;
};

}  // namespace limbeck::nn
