// A linear layer with slots. A weight transform (mask, fake quantisation, factors) and an additive branch (LoRA and
// kin) make a method work on any model; fold() merges both into the weight. Masters are fp32 and so are their
// gradients; with Precision::kBf16 the products round the masters to bf16 and add up in fp32 (nn/product.h says where a
// copy is kept).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/parameters.h"
#include "nn/product.h"
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

// What a step that is fused with a product (nn/fused.h) reads of a layer.
struct PlainProduct {
  Masters masters;
  at::Tensor weight, bias;  // as Product joins them
  Precision precision = Precision::kFp32;
};

class Linear {
 public:
  struct Shape {
    int64_t in = 0, out = 0;
    bool bias = false;
    double deviation = 1;  // of a fresh weight, times the config's initializer_range
    FileLayout layout;
  };
  explicit Linear(const Shape& shape);  // uninitialised, requires gradients

  at::Tensor forward(const at::Tensor& x);  // [N,in] -> [N,out], in the dtype of the products
  void parameters(Parameters& p);           // weight, bias, and those of the slots

  void set_transform(std::shared_ptr<WeightTransform> transform) { transform_ = std::move(transform); }
  void set_branch(std::shared_ptr<AdditiveBranch> branch) { branch_ = std::move(branch); }
  bool has_slots() const { return transform_ || branch_; }
  std::optional<PlainProduct> plain();  // none when a slot is filled or the layer is frozen
  void fold();                          // weight <- transform(weight) + delta; the slots are empty afterwards

  void set_precision(Precision precision);
  void weights_changed();
  // Folds, drops gradients and keeps the weight, packed, in this format only. One way.
  void freeze(Precision precision, WeightFormat weights = WeightFormat::kAsPrecision);

  const Shape& shape() const { return shape_; }
  at::Tensor& weight() { return weight_; }  // [out,in]; undefined once frozen
  at::Tensor& bias() { return bias_; }      // [out] or undefined

 private:
  friend class JointLinear;
  Linear(const Shape& shape, const at::Tensor& weight);  // whose memory is part of something larger
  void release();                                        // the masters, when something else holds what they were

  Shape shape_;
  at::Tensor weight_, bias_;
  Precision precision_ = Precision::kFp32;
  std::shared_ptr<WeightTransform> transform_;
  std::shared_ptr<AdditiveBranch> branch_;
  Product product_;
  FrozenLinear frozen_;
};

// Linears of one input (queries, keys and values; gate and up) as one product while none of them has a slot filled.
class JointLinear {
 public:
  struct Part {
    std::string_view name;
    int64_t out = 0;
  };
  struct Shape {
    int64_t in = 0;
    bool bias = false;
    std::vector<Part> parts;
  };
  explicit JointLinear(const Shape& shape);

  at::Tensor forward(const at::Tensor& x);  // [N,in] -> [N, Σ out], part after part
  void parameters(Parameters& p);           // of each part under its name
  std::optional<PlainProduct> plain();      // none when a slot of a part is filled or the layer is frozen
  template <class F>
  void each_linear(F&& f) {
    for (Linear& part : parts_) f(part);
  }
  void set_precision(Precision precision);
  void weights_changed();
  void freeze(Precision precision, WeightFormat weights = WeightFormat::kAsPrecision);

 private:
  Masters masters() const;
  bool has_slots() const;
  std::vector<std::string> names_;
  std::vector<Linear> parts_;
  Precision precision_ = Precision::kFp32;
  Product product_;
  FrozenLinear frozen_;
};

}  // namespace limbeck::nn
