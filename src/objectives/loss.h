// A loss is named terms, each a sum and a count: accumulation, packing and data parallelism divide once, at the end.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace limbeck::objectives {

struct Term {
  std::string name;
  at::Tensor sum;     // scalar fp32, differentiable
  double count = 0;   // what the sum is divided by (tokens, examples)
  double weight = 1;  // of this term in the whole
};

struct Loss {
  std::vector<Term> terms;
};

}  // namespace limbeck::objectives
