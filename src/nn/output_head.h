// From hidden states to logits: the vocabulary product of a decoder, tied to its embedding or with a weight of its own,
// with the bias that GPT-J has and the cap that Gemma 2 puts on logits.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "nn/embedding.h"
#include "nn/parameters.h"
#include "nn/product.h"
#include "tensor/device.h"

namespace limbeck::nn {

class OutputHead {
 public:
  struct Shape {
    int64_t vocabulary = 0, width = 0;
    bool tied = false, bias = false;
    double softcap = 0;  // logits x become softcap·tanh(x / softcap); 0: as they are
  };
  OutputHead(const Shape& shape, Embedding& embedding);  // uninitialised; the embedding outlives this

  at::Tensor logits(const at::Tensor& hidden);  // [M,D] -> [M,V] fp32, with bias and cap
  // [V,D], the embedding itself when tied; throws where nothing but a packed weight is left.
  at::Tensor weight();
  // The same in bf16, kept until weights_changed(); undefined unless the products are bf16 and need such a copy.
  at::Tensor low_weight();
  const at::Tensor& bias() const { return bias_; }  // [V] or undefined
  double softcap() const { return shape_.softcap; }

  void parameters(Parameters& p);  // none when tied and without a bias
  void set_precision(Precision precision);
  void weights_changed() { product_.forget(); }
  // Before the embedding's own.
  void freeze(Precision precision, WeightFormat weights = WeightFormat::kAsPrecision);
  bool is_frozen() const { return static_cast<bool>(frozen_); }

 private:
  at::Tensor& master() { return shape_.tied ? embedding_.weight() : weight_; }
  Masters masters();

  Shape shape_;
  Embedding& embedding_;
  at::Tensor weight_, bias_;
  Product product_;
  FrozenLinear frozen_;
  Precision precision_ = Precision::kFp32;
};

}  // namespace limbeck::nn
