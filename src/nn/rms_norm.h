// Root mean square normalisation (Zhang & Sennrich 2019, arXiv:1910.07467) as the Llama family has it: computed in
// fp32, together with the residual sum before it. Gemma's stores what its weight differs from 1 by.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>

#include "nn/norm_rows.h"
#include "nn/parameters.h"
#include "tensor/device.h"

namespace limbeck::nn {

enum class NormWeight { kPlain, kOffsetFromOne };  // the rows are multiplied by w, or by 1 + w

class RmsNorm {
 public:
  // Uninitialised weight.
  RmsNorm(int64_t width, double epsilon, NormWeight kind = NormWeight::kPlain);
  at::Tensor forward(const at::Tensor& x);  // [N,D] fp32 -> [N,D] in the output precision
  // x [N,D] fp32 and delta [N,D] of any precision -> x + delta in fp32, and its norm.
  std::pair<at::Tensor, at::Tensor> add_forward(const at::Tensor& x, const at::Tensor& delta);
  void parameters(Parameters& p) { p("weight", weight_, {.fresh = starts_as()}); }
  at::Tensor multiplier() const;  // [D], what the normalised rows are multiplied by; differentiable
  double epsilon() const { return epsilon_; }
  void set_output(Precision precision) { output_ = precision; }
  void freeze();
  NormSettings settings() const { return {multiplier(), epsilon_, output_}; }

 private:
  Fresh starts_as() const { return kind_ == NormWeight::kPlain ? Fresh::kOnes : Fresh::kZeros; }

  at::Tensor weight_;  // [D]
  double epsilon_;
  NormWeight kind_;
  Precision output_ = Precision::kFp32;
};

}  // namespace limbeck::nn
