#include "kernels/int8_linear.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <random>
#include <tuple>
#include <vector>

#include "kernels/instruction_sets.h"

namespace limbeck::kernels {
namespace {

std::vector<float> random_numbers(int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (float& number : numbers) number = normal(engine);
  return numbers;
}

struct Int8Rows {
  std::vector<int8_t> integers;
  std::vector<float> scales;
};

Int8Rows rounded(const std::vector<float>& w, int64_t n, int64_t k) {
  Int8Rows rows{std::vector<int8_t>(w.size()), std::vector<float>(static_cast<std::size_t>(n))};
  for (int64_t c = 0; c < n; ++c) rows.scales[c] = round_to_int8(w.data() + c * k, k, rows.integers.data() + c * k);
  return rows;
}

TEST(Int8Linear, RoundsARowToTheNearestOf255Steps) {
  const std::vector<float> row = {-2.54f, 0, 1.27f, 0.009f, 0.011f, -0.031f};
  std::vector<int8_t> integers(row.size());
  EXPECT_FLOAT_EQ(round_to_int8(row.data(), 6, integers.data()), 0.02f);
  EXPECT_EQ(integers, (std::vector<int8_t>{-127, 0, 64, 0, 1, -2}));
  const std::vector<float> zeros(3);
  integers.assign(3, 9);
  EXPECT_EQ(round_to_int8(zeros.data(), 3, integers.data()), 0);
  EXPECT_EQ(integers, std::vector<int8_t>(3));
}

TEST(Int8Linear, EqualsTheProductInFloat64OfTheRoundedNumbersOnEverySize) {
  for (const auto& [m, n, k] : std::vector<std::tuple<int64_t, int64_t, int64_t>>{{1, 1, 1},
                                                                                  {1, 48, 64},
                                                                                  {2, 17, 96},
                                                                                  {3, 33, 158},
                                                                                  {8, 48, 1536},
                                                                                  {5, 47, 64},
                                                                                  {9, 49, 31},
                                                                                  {17, 100, 33},
                                                                                  {6, 1000, 384},
                                                                                  {300, 50, 64}}) {
    const auto x = random_numbers(m * k, 1), bias = random_numbers(n, 3);
    const Int8Rows w = rounded(random_numbers(n * k, 2), n, k);
    const auto weight = pack_int8(w.integers.data(), w.scales.data(), n, k);
    const Int8Rows x_rounded = rounded(x, m, k);
    std::vector<float> y(static_cast<std::size_t>(m * n), std::nanf(""));
    weight->multiply(x.data(), m, y.data(), bias.data());
    for (int64_t r = 0; r < m; ++r)
      for (int64_t c = 0; c < n; ++c) {
        int64_t sum = 0;
        for (int64_t i = 0; i < k; ++i) sum += int64_t{x_rounded.integers[r * k + i]} * w.integers[c * k + i];
        const double product = static_cast<double>(sum) * x_rounded.scales[r] * w.scales[c];
        // A tie may fall to the other side where the scale's inverse is multiplied with: one step of one number.
        const double step = 127.0 * x_rounded.scales[r] * w.scales[c];
        ASSERT_NEAR(y[r * n + c], bias[c] + product, step + 1e-5 * std::abs(product))
            << m << "x" << n << "x" << k << " at " << r << "," << c;
      }
    std::vector<float> back(w.integers.size());
    weight->unpack(back.data());
    for (std::size_t i = 0; i < back.size(); ++i) ASSERT_EQ(back[i], w.integers[i] * w.scales[i / k]);
  }
}

TEST(Int8Linear, GivesARowTheSameBitsInEveryBatchAndOnAnyNumberOfThreads) {
  const int64_t m = 70, n = 500, k = 97;
  const auto x = random_numbers(m * k, 4);
  const Int8Rows w = rounded(random_numbers(n * k, 5), n, k);
  const auto weight = pack_int8(w.integers.data(), w.scales.data(), n, k);
  std::vector<float> whole(static_cast<std::size_t>(m * n));
  weight->multiply(x.data(), m, whole.data());
  const int threads = omp_get_max_threads();
  for (const int64_t rows : {1, 2, 3, 4, 5, 7, 8, 13, 64}) {
    omp_set_num_threads(rows % 3 == 0 ? 1 : threads);
    for (int64_t first = 0; first + rows <= m; first += rows) {
      std::vector<float> part(static_cast<std::size_t>(rows * n));
      weight->multiply(x.data() + first * k, rows, part.data());
      ASSERT_EQ(std::memcmp(part.data(), whole.data() + first * n, part.size() * sizeof(float)), 0)
          << rows << " rows from " << first;
    }
  }
  omp_set_num_threads(threads);
}

TEST(Int8Linear, TakesAndGivesBf16) {
  const int64_t m = 11, n = 70, k = 33;
  std::vector<BFloat16> x;
  std::vector<float> x_wide;
  for (const float number : random_numbers(m * k, 6)) {
    x.push_back(to_bfloat16(number));
    x_wide.push_back(to_float(x.back()));
  }
  const Int8Rows w = rounded(random_numbers(n * k, 7), n, k);
  const auto weight = pack_int8(w.integers.data(), w.scales.data(), n, k);
  std::vector<float> expected(static_cast<std::size_t>(m * n)), from_low(expected.size());
  std::vector<BFloat16> low(expected.size()), low_from_low(expected.size());
  weight->multiply(x_wide.data(), m, expected.data());
  weight->multiply(x.data(), m, from_low.data());
  weight->multiply(x_wide.data(), m, low.data());
  weight->multiply(x.data(), m, low_from_low.data());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(from_low[i], expected[i]);
    ASSERT_EQ(low[i].bits, to_bfloat16(expected[i]).bits);
    ASSERT_EQ(low_from_low[i].bits, low[i].bits);
  }
}

TEST(Int8Linear, ARowThatIsNotFiniteStaysAlone) {
  const int64_t n = 50, k = 40;
  auto x = random_numbers(3 * k, 8);
  x[k + 7] = INFINITY;
  const Int8Rows w = rounded(random_numbers(n * k, 9), n, k);
  const auto weight = pack_int8(w.integers.data(), w.scales.data(), n, k);
  std::vector<float> y(3 * n);
  weight->multiply(x.data(), 3, y.data());
  for (int64_t c = 0; c < n; ++c) {
    EXPECT_TRUE(std::isfinite(y[c]));
    EXPECT_TRUE(std::isnan(y[n + c]));
    EXPECT_TRUE(std::isfinite(y[2 * n + c]));
  }
}

TEST(Int8Linear, EveryInstructionSetGivesTheSameIntegers) {
  constexpr int64_t kRows = 5, kColumns = 48, kSteps = 13;
  std::mt19937 engine(3);
  std::vector<int8_t> x(kRows * kSteps * 4);
  std::vector<uint8_t> panel(kSteps * kColumns * 4);
  for (auto& number : x) number = static_cast<int8_t>(static_cast<int>(engine() % 255) - 127);
  for (auto& number : panel) number = static_cast<uint8_t>(1 + engine() % 255);
  std::vector<float> x_scales(kRows, 0.5f), scales(kColumns, 0.25f), y(kRows * kColumns);
  std::vector<int32_t> x_offsets(kRows);
  for (int64_t r = 0; r < kRows; ++r)
    for (int64_t i = 0; i < kSteps * 4; ++i) x_offsets[r] -= 128 * x[r * kSteps * 4 + i];
  for (const InstructionSet* set : available_instructions()) {
    set->linear_int8({.x = x.data(),
                      .x_scales = x_scales.data(),
                      .x_offsets = x_offsets.data(),
                      .panel = panel.data(),
                      .scales = scales.data(),
                      .num_steps = kSteps,
                      .rows = kRows,
                      .columns = kColumns,
                      .y = y.data(),
                      .y_stride = kColumns});
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t c = 0; c < kColumns; ++c) {
        int32_t sum = 0;
        for (int64_t i = 0; i < kSteps * 4; ++i)
          sum += x[r * kSteps * 4 + i] * (panel[(i / 4 * kColumns + c) * 4 + i % 4] - 128);
        ASSERT_EQ(y[r * kColumns + c], static_cast<float>(sum) * 0.125f) << set->name << " " << r << "," << c;
      }
  }
}

}  // namespace
}  // namespace limbeck::kernels
