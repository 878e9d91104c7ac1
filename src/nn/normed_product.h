// A norm and the product that reads it as one step of autograd. The normed rows are not kept for the backward pass but
// computed again from the residual sum, which is kept in the precision of the products; the sum that goes on to the
// next layer is fp32 in any case.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include "nn/linear.h"
#include "nn/rms_norm.h"

namespace limbeck::nn {

// x [N,D] fp32 and delta [N,D], or undefined -> x + delta in fp32, and linear(norm(x + delta)) [N, Σ out]. The same as
// the two layers one after the other, which is what it is where slots are filled or gradients are off.
std::pair<at::Tensor, at::Tensor> normed_product(RmsNorm& norm, JointLinear& linear, const at::Tensor& x,
                                                 const at::Tensor& delta);

// The norm alone, of a stream that may not have a delta yet: the sum and its norm.
std::pair<at::Tensor, at::Tensor> add_and_norm(RmsNorm& norm, const at::Tensor& x, const at::Tensor& delta);

// How a fused step keeps the sum, given the precision that its norm gives.
inline KeptSum kept_sum(Precision precision) {
  return precision == Precision::kBf16 ? KeptSum::kRounded : KeptSum::kExact;
}

}  // namespace limbeck::nn
