// Root mean square normalisation of single heads within rows that hold more: the query or the key heads of a joint
// projection. Sums are fp32; the gradient of the weight is added up in blocks of tokens, so it has the same bits on any
// number of threads.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

// y = x · weight / sqrt(mean(x²) + epsilon) over each head of `dim` numbers.
struct HeadNorm {
  int64_t tokens = 0, heads = 0, dim = 0;
  int64_t stride = 0;  // numbers from token to token, of all that is read and written
  float epsilon = 0;
  const float* weight = nullptr;  // [dim]
};
// scale [tokens·heads] keeps 1 / sqrt(mean(x²) + epsilon), or null.
void head_norm(const HeadNorm& norm, const float* x, float* y, float* scale);
void head_norm(const HeadNorm& norm, const BFloat16* x, BFloat16* y, float* scale);
// dweight [dim]
void head_norm_gradient(const HeadNorm& norm, const float* x, const float* scale, const float* dy, float* dx,
                        float* dweight);
void head_norm_gradient(const HeadNorm& norm, const BFloat16* x, const float* scale, const BFloat16* dy, BFloat16* dx,
                        float* dweight);

}  // namespace limbeck::kernels
