// x times the rows of one or several weights at once: the plain product below nn::Linear and nn::JointLinear. The
// masters are read where they stand when they stand behind each other in memory (nn/linear.cpp sees to it) and the
// processor's product takes them (tensor/product.h); otherwise a copy of them, joined and in the precision of the
// product, is kept until they change.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "tensor/device.h"
#include "tensor/weight_format.h"

namespace limbeck::nn {

// Masters of one or several linears of the same input: weights [out_i,in] fp32; biases [out_i], or none at all.
struct Masters {
  std::vector<at::Tensor> weights, biases;
};

class Product {
 public:
  // x [N,in] -> [N, Σ out_i] in the dtype of the products; gradients of the masters are fp32. A copy of the masters,
  // where one is needed, is made when there is none, when a master was changed in place through LibTorch, or after
  // forget().
  at::Tensor forward(const at::Tensor& x, const Masters& masters, Precision precision);
  // After masters changed behind LibTorch's back (a kernel on raw pointers).
  void forget();
  // The masters as the product reads them: [Σ out_i, in], fp32 or in the dtype of the products.
  const at::Tensor& joined_weight(const Masters& masters, Precision precision);
  // And their biases [Σ out_i] fp32, or undefined.
  const at::Tensor& joined_bias(const Masters& masters, Precision precision);

 private:
  void refresh(const Masters& masters, Precision precision);
  using Stamp = std::pair<const void*, int64_t>;  // a tensor and its version
  std::vector<Stamp> stamps_;
  Precision precision_ = Precision::kFp32;
  at::Tensor weight_, bias_;
};

// Gradients of masters that were joined for y = x · Wᵀ + b, from dy [N, Σ out_i] and x [N,in]: what a backward pass
// returns for each weight, then each bias (undefined where none is wanted, or where it went into .grad() itself).
std::vector<at::Tensor> master_gradients(const Masters& masters, const at::Tensor& dy, const at::Tensor& x);

// A product with weights that no longer change: [N,in] -> [N, Σ out_i], each row independent of the others.
using FrozenLinear = std::function<at::Tensor(const at::Tensor& x)>;
// Results have the given precision. Weights in blocks are rounded as ggml's reference does it; what a GGUF file of that
// type held becomes the same blocks again. A weight that a file of kQ4_0 held in finer blocks stays as fine, in Q8_0.
FrozenLinear freeze_product(const Masters& masters, Precision precision,
                            WeightFormat weights = WeightFormat::kAsPrecision);

// The same for one weight [out,in] of any precision, with results in fp32; a bias [out] is fp32 or undefined.
FrozenLinear freeze_to_fp32(const at::Tensor& weight, Precision precision,
                            WeightFormat weights = WeightFormat::kAsPrecision, const at::Tensor& bias = {});

}  // namespace limbeck::nn
