// A linear layer with slots. A weight transform (mask, fake quantisation, factors) and an additive branch (LoRA and
// kin) make a method work on any model; fold() merges both into the weight. Masters are fp32; with Precision::kBf16 the
// products run on a bf16 copy that is made once after weights_changed() and serves every micro-batch until the next
// one. Gradients of weights are fp32.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "nn/parameters.h"
#include "tensor/device.h"

namespace limbeck::nn {

// What stands between the stored weight and the product. Differentiable.
class WeightTransform {
 public:
  virtual ~WeightTransform() = default;
  virtual at::Tensor apply(const at::Tensor& weight) = 0;  // [out,in] -> [out,in]
  virtual void parameters(Parameters& p) {}
};

// What is added to the product: forward(x) equals x · delta()ᵀ. Differentiable.
class AdditiveBranch {
 public:
  virtual ~AdditiveBranch() = default;
  virtual at::Tensor forward(const at::Tensor& x) = 0;  // [N,in] -> [N,out]
  virtual at::Tensor delta() = 0;                       // [out,in], what fold() adds to the weight
  virtual void parameters(Parameters& p) {}
};

// A product with a weight that no longer changes; made by freeze(). [N,in] -> [N,out], each row independent of the
// others.
using FrozenLinear = std::function<at::Tensor(const at::Tensor& x)>;

class Linear {
 public:
  struct Shape {
    int64_t in = 0, out = 0;
    bool bias = false;
  };
  explicit Linear(const Shape& shape);  // uninitialised, requires gradients

  at::Tensor forward(const at::Tensor& x);  // [N,in] -> [N,out], in the dtype of the products
  void parameters(Parameters& p);           // weight, bias, and those of the slots

  void set_transform(std::shared_ptr<WeightTransform> transform) { transform_ = std::move(transform); }
  void set_branch(std::shared_ptr<AdditiveBranch> branch) { branch_ = std::move(branch); }
  void fold();  // weight <- transform(weight) + delta; the slots are empty afterwards

  void set_precision(Precision precision);
  void weights_changed();
  // Folds, drops gradients and keeps the weight in this precision only. One way.
  void freeze(Precision precision);

  const Shape& shape() const { return shape_; }
  at::Tensor& weight() { return weight_; }  // [out,in]; undefined once frozen and packed

 private:
  Shape shape_;
  at::Tensor weight_, bias_;
  at::Tensor low_weight_, low_bias_;  // bf16 copies, undefined until needed
  Precision precision_ = Precision::kFp32;
  std::shared_ptr<WeightTransform> transform_;
  std::shared_ptr<AdditiveBranch> branch_;
  FrozenLinear frozen_;
};

}  // namespace limbeck::nn
