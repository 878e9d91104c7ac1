// The three matrix products of training, each by the fastest way there is for its operands: kernels/matrix_product.h
// where the processor suits it, LibTorch otherwise (other devices and dtypes too). Rows may lie apart; with bf16
// operands sums are fp32. Weights of bf16 rows may be fp32: they are rounded to bf16 for the product.
#pragma once

#include <ATen/core/Tensor.h>

namespace limbeck {

// Whether fp32 weights of bf16 rows are rounded on their way through the product. Elsewhere each product makes a copy
// of them first, so that it is better to keep one.
bool products_read_wide_weights();

// x [M,K] · w [N,K]ᵀ + bias [N] (or undefined) -> y [M,N], in the dtype that y has.
void times_transposed(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias, at::Tensor& y);
// The same in the dtype of x.
at::Tensor times_transposed(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias = {});

// dy [M,N] · w [N,K] -> dx [M,K].
void times(const at::Tensor& dy, const at::Tensor& w, at::Tensor& dx);
at::Tensor times(const at::Tensor& dy, const at::Tensor& w);

enum class Into { kNew, kSum };  // what stands in the result is written over, or added to
// dy [M,N]ᵀ · x [M,K] -> dw [N,K], fp32 (fp64 for fp64).
void transposed_times(const at::Tensor& dy, const at::Tensor& x, at::Tensor& dw, Into into);

}  // namespace limbeck
