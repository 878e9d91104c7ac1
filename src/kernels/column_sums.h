// The sums of the columns of some rows: the gradient of a bias. Each is one chain of additions in fp32 in the order of
// the rows, on any number of threads.
#pragma once

#include <cstdint>

#include "kernels/bfloat16.h"

namespace limbeck::kernels {

// x [rows, columns], rows `stride` numbers apart -> sums [columns]
void column_sums(const float* x, int64_t stride, int64_t rows, int64_t columns, float* sums);
void column_sums(const BFloat16* x, int64_t stride, int64_t rows, int64_t columns, float* sums);

}  // namespace limbeck::kernels
