// Learned products with bias that lead a student's hidden states to a teacher's width (TinyBERT's W_h and W_e, Jiao et
// al., arXiv:1909.10351, eq. 8 and 9). They are trained with the student and belong to no model: nothing exports them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "base/seeds.h"
#include "nn/linear.h"
#include "nn/parameters.h"
#include "tensor/device.h"

namespace limbeck::nn {

class Projections {
 public:
  enum class Sharing { kShared, kEach };  // one for all states, as the official code has it, or one for each
  struct Shape {
    int64_t in = 0, out = 0, states = 1;
    Sharing sharing = Sharing::kShared;
    double deviation = 0.02;  // of fresh weights; biases start at 0
  };
  Projections(const Shape& shape, Seed seed);

  at::Tensor forward(int64_t state, const at::Tensor& x);  // [N,in] -> [N,out], in the dtype of the products
  void parameters(Parameters& p);                          // "projection.weight", or "projections.0.weight", …
  void set_precision(Precision precision);
  void weights_changed();

 private:
  Shape shape_;
  std::vector<Linear> linears_;
};

}  // namespace limbeck::nn
