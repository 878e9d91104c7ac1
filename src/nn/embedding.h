// Token embedding: rows of a table. The gradient of the table is dense fp32, as tied output weights need it; where
// gradients go in place (tensor/gradients.h) only the rows of the tokens are touched.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "nn/parameters.h"
#include "tensor/device.h"

namespace limbeck::nn {

class Embedding {
 public:
  Embedding(int64_t vocabulary, int64_t width);  // uninitialised
  at::Tensor forward(const at::Tensor& ids);     // [N] int64 -> [N,D] fp32; an id outside the table throws Error
  void parameters(Parameters& p) { p("weight", weight_); }
  at::Tensor& weight() { return weight_; }  // [V,D]
  void freeze(Precision precision);

 private:
  at::Tensor weight_;
};

}  // namespace limbeck::nn
