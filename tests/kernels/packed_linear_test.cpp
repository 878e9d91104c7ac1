#include "kernels/packed_linear.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <random>
#include <tuple>
#include <vector>

#include "kernels/int8_linear.h"

namespace limbeck::kernels {
namespace {

std::vector<float> random_numbers(int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (float& number : numbers) number = normal(engine);
  return numbers;
}

std::vector<BFloat16> rounded(const std::vector<float>& numbers) {
  std::vector<BFloat16> result;
  for (const float number : numbers) result.push_back(to_bfloat16(number));
  return result;
}

// [m,k] x [n,k] -> [m,n] in float64, of numbers that were rounded first for bf16.
std::vector<double> reference(const std::vector<float>& x, const std::vector<float>& w, const std::vector<float>& bias,
                              int64_t m, int64_t n, int64_t k, Format format) {
  const auto value = [&](float number) { return format == Format::kBf16 ? to_float(to_bfloat16(number)) : number; };
  std::vector<double> y;
  for (int64_t r = 0; r < m; ++r)
    for (int64_t c = 0; c < n; ++c) {
      double sum = bias.empty() ? 0.0 : bias[c];
      for (int64_t i = 0; i < k; ++i) sum += double{value(x[r * k + i])} * value(w[c * k + i]);
      y.push_back(sum);
    }
  return y;
}

class PackedLinear : public testing::TestWithParam<Format> {};

TEST_P(PackedLinear, EqualsTheProductInFloat64OnEverySize) {
  for (const auto& [m, n, k] : std::vector<std::tuple<int64_t, int64_t, int64_t>>{{1, 1, 1},
                                                                                  {1, 48, 2},
                                                                                  {2, 17, 3},
                                                                                  {3, 33, 5},
                                                                                  {5, 47, 64},
                                                                                  {8, 48, 64},
                                                                                  {9, 49, 31},
                                                                                  {17, 100, 7},
                                                                                  {300, 50, 20}}) {
    const auto x = random_numbers(m * k, 1), w = random_numbers(n * k, 2), bias = random_numbers(n, 3);
    const auto expected = reference(x, w, bias, m, n, k, GetParam());
    const auto weight = PackedWeight::pack(w.data(), n, k, GetParam());
    std::vector<float> y(static_cast<std::size_t>(m * n), std::nanf(""));
    weight->multiply(x.data(), m, y.data(), bias.data());
    for (std::size_t i = 0; i < y.size(); ++i)
      ASSERT_NEAR(y[i], expected[i], 1e-5 * std::sqrt(static_cast<double>(k)) * 4)
          << m << "x" << n << "x" << k << " at " << i;
  }
}

TEST_P(PackedLinear, GivesARowTheSameBitsInEveryBatchAndOnAnyNumberOfThreads) {
  const int64_t m = 70, n = 500, k = 96;
  const auto x = random_numbers(m * k, 4), w = random_numbers(n * k, 5);
  const auto weight = PackedWeight::pack(w.data(), n, k, GetParam());
  std::vector<float> whole(static_cast<std::size_t>(m * n));
  weight->multiply(x.data(), m, whole.data());
  const int threads = omp_get_max_threads();
  for (const int64_t rows : {1, 2, 3, 7, 8, 9, 13, 64}) {
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

TEST_P(PackedLinear, TakesAndGivesBf16) {
  const int64_t m = 11, n = 70, k = 33;
  const auto x = rounded(random_numbers(m * k, 6));
  std::vector<float> x_wide;
  for (const BFloat16 number : x) x_wide.push_back(to_float(number));
  const auto w = random_numbers(n * k, 7);
  const auto weight = PackedWeight::pack(w.data(), n, k, GetParam());
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

TEST_P(PackedLinear, UnpacksWhatItPacked) {
  const int64_t n = 101, k = 7;
  const auto w = random_numbers(n * k, 8);
  std::vector<float> again(w.size());
  const auto low = rounded(w);
  PackedWeight::pack(w.data(), n, k, GetParam())->unpack(again.data());
  for (std::size_t i = 0; i < w.size(); ++i) ASSERT_EQ(again[i], GetParam() == Format::kFp32 ? w[i] : to_float(low[i]));
  PackedWeight::pack(low.data(), n, k, GetParam())->unpack(again.data());
  for (std::size_t i = 0; i < w.size(); ++i) ASSERT_EQ(again[i], to_float(low[i]));
}

TEST_P(PackedLinear, DoesNothingForNoRows) {
  const std::vector<float> w(12, 1.0f);
  const auto weight = PackedWeight::pack(w.data(), 3, 4, GetParam());
  float untouched = 7;
  weight->multiply(w.data(), 0, &untouched);
  EXPECT_EQ(untouched, 7);
}

INSTANTIATE_TEST_SUITE_P(Formats, PackedLinear, testing::Values(Format::kFp32, Format::kBf16),
                         [](const auto& info) { return info.param == Format::kFp32 ? "Fp32" : "Bf16"; });

TEST(BFloat16Test, RoundsToNearestEvenAndKeepsNaN) {
  EXPECT_EQ(to_float(to_bfloat16(1.0f)), 1.0f);
  EXPECT_EQ(to_bfloat16(1.00390625f).bits, 0x3f80);  // half way between 0x3f80 and 0x3f81: to even
  EXPECT_EQ(to_bfloat16(1.01171875f).bits, 0x3f82);  // half way between 0x3f81 and 0x3f82
  EXPECT_TRUE(std::isnan(to_float(to_bfloat16(std::nanf("")))));
  EXPECT_TRUE(std::isinf(to_float(to_bfloat16(3.4e38f))));
}

// As the definition has it, in float64.
double gelu_of(double x) {
  return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
}

TEST(PackedLinear, TheEpilogueIsGeluOfWhatWouldBeWritten) {
  const int64_t m = 9, n = 70, k = 64;
  const auto w = random_numbers(n * k, 21), x = random_numbers(m * k, 22), bias = random_numbers(n, 23);
  std::vector<int8_t> integers(w.size());
  std::vector<float> scales(n);
  for (int64_t c = 0; c < n; ++c) scales[c] = round_to_int8(w.data() + c * k, k, integers.data() + c * k);
  for (const auto& weight :
       {PackedWeight::pack(w.data(), n, k, Format::kFp32), PackedWeight::pack(w.data(), n, k, Format::kBf16),
        pack_int8(integers.data(), scales.data(), n, k)}) {
    std::vector<float> plain(m * n), after(m * n);
    std::vector<BFloat16> low(m * n);
    weight->multiply(x.data(), m, plain.data(), bias.data());
    weight->multiply(x.data(), m, after.data(), {bias.data(), true});
    weight->multiply(x.data(), m, low.data(), {bias.data(), true});
    for (std::size_t i = 0; i < plain.size(); ++i) {
      ASSERT_NEAR(after[i], gelu_of(plain[i]), 4e-7 * std::max(1.0f, std::abs(plain[i])));
      ASSERT_EQ(low[i].bits, to_bfloat16(after[i]).bits);
    }
  }
}

}  // namespace
}  // namespace limbeck::kernels
