// Dropout (Srivastava et al. 2014, JMLR 15) whose choices are a hash of a row's key and the column: a token loses the
// same numbers whatever else is in the batch, on any number of threads, and the gradient needs no stored mask.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

struct Dropout {
  int64_t rows = 0, width = 0;
  const int64_t* keys = nullptr;  // [rows]
  uint64_t salt = 0;              // of the layer
  double rate = 0;                // share that is dropped, below 1
};
// y = x / (1 - rate), or 0 where it is dropped; the same of a gradient. y may be x.
void dropout(const Dropout& dropout, const float* x, float* y);
void dropout(const Dropout& dropout, const BFloat16* x, BFloat16* y);

}  // namespace limbeck::kernels
