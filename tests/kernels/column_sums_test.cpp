#include "kernels/column_sums.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <vector>

namespace limbeck::kernels {
namespace {

TEST(ColumnSums, AddUpEveryColumnOfEverySize) {
  for (const int64_t rows : {0, 1, 7, 300})
    for (const int64_t columns : {1, 127, 128, 129, 500}) {
      const int64_t stride = columns + 3;
      std::vector<float> x(rows * stride);
      std::vector<BFloat16> low(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        low[i] = to_bfloat16(std::sin(static_cast<float>(i)));
        x[i] = to_float(low[i]);
      }
      std::vector<float> sums(columns, 9), low_sums(columns, 9), one_thread(columns);
      column_sums(x.data(), stride, rows, columns, sums.data());
      column_sums(low.data(), stride, rows, columns, low_sums.data());
      EXPECT_EQ(sums, low_sums);
      for (int64_t c = 0; c < columns; ++c) {
        double expected = 0;
        for (int64_t r = 0; r < rows; ++r) expected += x[r * stride + c];
        ASSERT_NEAR(sums[c], expected, 1e-5 * std::max<double>(1, rows)) << rows << "x" << columns << " at " << c;
      }
      const int threads = omp_get_max_threads();
      omp_set_num_threads(1);
      column_sums(x.data(), stride, rows, columns, one_thread.data());
      omp_set_num_threads(threads);
      EXPECT_EQ(one_thread, sums);
    }
}

}  // namespace
}  // namespace limbeck::kernels
