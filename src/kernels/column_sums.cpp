#include "kernels/column_sums.h"

#include <algorithm>

#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kColumnsAtOnce = 128;  // sums that stay in registers or the nearest cache while the rows pass by

template <class Number>
LIMBECK_ROW_BODY void add_columns(const Number* x, int64_t stride, int64_t rows, int64_t columns, float* sums) {
  for (int64_t i = 0; i < columns; ++i) sums[i] = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const Number* row = x + r * stride;
#pragma omp simd
    for (int64_t i = 0; i < columns; ++i) sums[i] += wide(row[i]);
  }
}
LIMBECK_ROW_CLONES void sum_some(const float* x, int64_t stride, int64_t rows, int64_t columns, float* sums) {
  add_columns(x, stride, rows, columns, sums);
}
LIMBECK_ROW_CLONES void sum_some(const BFloat16* x, int64_t stride, int64_t rows, int64_t columns, float* sums) {
  add_columns(x, stride, rows, columns, sums);
}

template <class Number>
void sum_all(const Number* x, int64_t stride, int64_t rows, int64_t columns, float* sums) {
#pragma omp parallel for schedule(static) if (rows * columns > kWorthThreads)
  for (int64_t first = 0; first < columns; first += kColumnsAtOnce)
    sum_some(x + first, stride, rows, std::min(kColumnsAtOnce, columns - first), sums + first);
}

}  // namespace

void column_sums(const float* x, int64_t stride, int64_t rows, int64_t columns, float* sums) {
  sum_all(x, stride, rows, columns, sums);
}
void column_sums(const BFloat16* x, int64_t stride, int64_t rows, int64_t columns, float* sums) {
  sum_all(x, stride, rows, columns, sums);
}

}  // namespace limbeck::kernels
