#include "kernels/block_linear.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/half.h"
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

// Any integers, with scales of both signs; every seventh scale is subnormal in half precision.
std::vector<std::byte> random_blocks(int64_t n, int64_t k, BlockFormat format, unsigned seed) {
  std::mt19937 engine(seed);
  const int64_t bytes = bytes_of_block(format);
  std::vector<std::byte> blocks(static_cast<std::size_t>(n * blocks_of_row(k) * bytes));
  for (std::byte& byte : blocks) byte = static_cast<std::byte>(engine());
  for (int64_t b = 0; b < n * blocks_of_row(k); ++b) {
    const auto bits =
        static_cast<uint16_t>(b % 7 == 0 ? engine() % 0x400 : 0x1c00 + engine() % 0x1000 + (engine() % 2 ? 0x8000 : 0));
    std::memcpy(blocks.data() + b * bytes, &bits, 2);
  }
  return blocks;
}

// As ggml defines the formats, written by hand.
double weight_at(const std::vector<std::byte>& blocks, int64_t k, BlockFormat format, int64_t column, int64_t i) {
  const std::byte* block = blocks.data() + (column * blocks_of_row(k) + i / kBlockNumbers) * bytes_of_block(format);
  uint16_t bits;
  std::memcpy(&bits, block, 2);
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  const int64_t j = i % kBlockNumbers;
  const int integer = format == BlockFormat::kQ8_0 ? static_cast<int8_t>(block[2 + j])
                                                   : (static_cast<int>(block[2 + j % 16]) >> (j < 16 ? 0 : 4) & 15) - 8;
  return (bits & 0x8000 ? -size : size) * integer;
}

// x as the product takes it: 8 bits and a scale a block.
std::vector<double> rounded_to_8_bits(const std::vector<float>& x, int64_t k) {
  std::vector<double> result(x.size());
  for (std::size_t row = 0; row < x.size(); row += static_cast<std::size_t>(k))
    for (int64_t begin = 0; begin < k; begin += kBlockNumbers) {
      const int64_t end = std::min(k, begin + kBlockNumbers);
      float most = 0;
      for (int64_t i = begin; i < end; ++i) most = std::max(most, std::abs(x[row + i]));
      for (int64_t i = begin; i < end; ++i)
        result[row + i] = most == 0 ? 0 : std::nearbyint(x[row + i] * (127 / most)) * double{most / 127};
    }
  return result;
}

class BlockLinear : public testing::TestWithParam<BlockFormat> {};

TEST_P(BlockLinear, EqualsTheProductInFloat64OfTheRoundedNumbersOnEverySize) {
  for (const auto& [m, n, k] : std::vector<std::tuple<int64_t, int64_t, int64_t>>{{1, 1, 32},
                                                                                  {1, 48, 64},
                                                                                  {2, 17, 96},
                                                                                  {3, 33, 160},
                                                                                  {4, 48, 1536},
                                                                                  {5, 47, 64},
                                                                                  {9, 49, 31},
                                                                                  {17, 100, 33},
                                                                                  {6, 1000, 576},
                                                                                  {300, 50, 64}}) {
    const auto x = random_numbers(m * k, 1), bias = random_numbers(n, 3);
    auto blocks = random_blocks(n, k, GetParam(), 2);
    const auto weight = pack_blocks(blocks.data(), n, k, GetParam());
    const auto x_rounded = rounded_to_8_bits(x, k);
    std::vector<float> y(static_cast<std::size_t>(m * n), std::nanf(""));
    weight->multiply(x.data(), m, y.data(), bias.data());
    for (int64_t r = 0; r < m; ++r)
      for (int64_t c = 0; c < n; ++c) {
        double expected = bias[c], sizes = std::abs(expected);
        for (int64_t i = 0; i < k; ++i) {
          const double product = x_rounded[r * k + i] * weight_at(blocks, k, GetParam(), c, i);
          expected += product, sizes += std::abs(product);
        }
        ASSERT_NEAR(y[r * n + c], expected, 1e-6 * sizes) << m << "x" << n << "x" << k << " at " << r << "," << c;
      }
  }
}

TEST_P(BlockLinear, GivesARowTheSameBitsInEveryBatchAndOnAnyNumberOfThreads) {
  const int64_t m = 70, n = 500, k = 96;
  const auto x = random_numbers(m * k, 4);
  const auto blocks = random_blocks(n, k, GetParam(), 5);
  const auto weight = pack_blocks(blocks.data(), n, k, GetParam());
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

TEST_P(BlockLinear, TakesAndGivesBf16) {
  const int64_t m = 11, n = 70, k = 33;
  std::vector<BFloat16> x;
  std::vector<float> x_wide;
  for (const float number : random_numbers(m * k, 6)) {
    x.push_back(to_bfloat16(number));
    x_wide.push_back(to_float(x.back()));
  }
  const auto blocks = random_blocks(n, k, GetParam(), 7);
  const auto weight = pack_blocks(blocks.data(), n, k, GetParam());
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

TEST_P(BlockLinear, UnpacksTheNumbersThatTheBlocksStandFor) {
  const int64_t n = 101, k = 70;
  const auto blocks = random_blocks(n, k, GetParam(), 8);
  std::vector<float> w(static_cast<std::size_t>(n * k));
  pack_blocks(blocks.data(), n, k, GetParam())->unpack(w.data());
  for (int64_t c = 0; c < n; ++c)
    for (int64_t i = 0; i < k; ++i) ASSERT_EQ(w[c * k + i], weight_at(blocks, k, GetParam(), c, i));
}

TEST_P(BlockLinear, GivesNaNToARowThatIsNotFiniteAndLeavesTheOthers) {
  const int64_t m = 3, n = 20, k = 64;
  const auto blocks = random_blocks(n, k, GetParam(), 9);
  const auto weight = pack_blocks(blocks.data(), n, k, GetParam());
  auto x = random_numbers(m * k, 10);
  std::vector<float> before(static_cast<std::size_t>(m * n)), after(before.size());
  weight->multiply(x.data(), m, before.data());
  for (const float broken : {std::nanf(""), INFINITY, -INFINITY}) {
    x[k + 40] = broken;
    weight->multiply(x.data(), m, after.data());
    for (int64_t i = 0; i < m * n; ++i) {
      if (i / n == 1) {
        ASSERT_TRUE(std::isnan(after[i]));
      } else {
        ASSERT_EQ(after[i], before[i]);
      }
    }
  }
}

TEST_P(BlockLinear, GivesTheBiasForZerosAndForNumbersTooSmallToScale) {
  const int64_t n = 30, k = 40;
  const auto blocks = random_blocks(n, k, GetParam(), 11);
  const auto weight = pack_blocks(blocks.data(), n, k, GetParam());
  const auto bias = random_numbers(n, 12);
  for (const float number : {0.0f, -0.0f, 1e-40f}) {
    const std::vector<float> x(static_cast<std::size_t>(k), number);
    std::vector<float> y(static_cast<std::size_t>(n));
    weight->multiply(x.data(), 1, y.data(), bias.data());
    EXPECT_EQ(y, bias);
  }
}

TEST_P(BlockLinear, DoesNothingForNoRows) {
  const auto blocks = random_blocks(3, 32, GetParam(), 13);
  float untouched = 7;
  pack_blocks(blocks.data(), 3, 32, GetParam())->multiply(&untouched, 0, &untouched);
  EXPECT_EQ(untouched, 7);
}

// Every set that this machine has, on tiles of every shape, with the numbers at the ends of their ranges.
TEST_P(BlockLinear, IsTheSameInEveryInstructionSet) {
  const bool whole = GetParam() == BlockFormat::kQ8_0;
  const int64_t num_blocks = 3, rows = 11, bytes = whole ? 32 : 16;
  std::mt19937 engine(14);
  std::vector<float> x = random_numbers(rows * num_blocks * kBlockNumbers, 15);
  for (std::size_t i = 0; i < 64; ++i) x[i] = i % 3 == 0 ? -2.0f : 2.0f;  // integers of 127 only
  for (const int64_t columns : {1, 16, 17, 32, 33, 48}) {
    const int64_t width = (columns + 15) / 16 * 16;
    std::vector<uint8_t> panel(static_cast<std::size_t>(num_blocks * bytes * width));
    for (uint8_t& byte : panel) byte = static_cast<uint8_t>(engine() % 3 == 0 ? (engine() % 2 ? 0xff : 0) : engine());
    std::vector<uint16_t> scales(static_cast<std::size_t>(num_blocks * width), 0x2c00);  // 1/16
    std::vector<float> first;
    for (const InstructionSet* set : available_instructions()) {
      std::vector<int8_t> integers(x.size());
      std::vector<float> x_scales(static_cast<std::size_t>(rows * num_blocks));
      std::vector<int32_t> offsets(x_scales.size());
      for (int64_t r = 0; r < rows; ++r)
        set->quantise_fp32(x.data() + r * num_blocks * kBlockNumbers, num_blocks * kBlockNumbers, whole ? 128 : 8,
                           integers.data() + r * num_blocks * kBlockNumbers, x_scales.data() + r * num_blocks,
                           offsets.data() + r * num_blocks);
      std::vector<float> y(static_cast<std::size_t>(rows * columns)), single(y.size());
      BlockPanel task{.x = integers.data(),
                      .x_scales = x_scales.data(),
                      .x_offsets = offsets.data(),
                      .panel = panel.data(),
                      .scales = scales.data(),
                      .num_blocks = num_blocks,
                      .rows = rows,
                      .columns = columns,
                      .y = y.data(),
                      .y_stride = columns};
      const auto multiply = whole ? set->linear_q8_0 : set->linear_q4_0;
      multiply(task);
      task.rows = 1;
      for (int64_t r = 0; r < rows; ++r) {
        task.x = integers.data() + r * num_blocks * kBlockNumbers;
        task.x_scales = x_scales.data() + r * num_blocks;
        task.x_offsets = offsets.data() + r * num_blocks;
        task.y = single.data() + r * columns;
        multiply(task);
      }
      EXPECT_EQ(single, y) << set->name;
      if (first.empty()) first = y;
      for (std::size_t i = 0; i < y.size(); ++i)
        ASSERT_NEAR(y[i], first[i], 2e-6 * std::abs(first[i]) + 1e-4) << set->name << " " << columns << " at " << i;
      for (int64_t c = 0; c < columns; ++c) {  // row 0 by hand: two blocks of +-127 and one of other integers
        double expected = 0;
        for (int64_t i = 0; i < num_blocks * kBlockNumbers; ++i) {
          const int64_t block = i / kBlockNumbers, j = i % kBlockNumbers, byte = whole ? j : j % 16;
          const uint8_t stored = panel[((block * bytes / 4 + byte / 4) * width + c) * 4 + byte % 4];
          const int weight = whole ? stored - 128 : (stored >> (j < 16 ? 0 : 4) & 15) - 8;
          expected += double{x_scales[block]} * integers[i] * weight / 16;
        }
        ASSERT_NEAR(y[c], expected, 1e-3) << set->name << " " << columns << " column " << c;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, BlockLinear, testing::Values(BlockFormat::kQ8_0, BlockFormat::kQ4_0),
                         [](const auto& info) { return info.param == BlockFormat::kQ8_0 ? "Q8_0" : "Q4_0"; });

TEST(HalfTest, IsExactForEveryNumberAndKeepsWhatIsNotFinite) {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const int exponent = static_cast<int>(bits >> 10), fraction = static_cast<int>(bits & 1023);
    const double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    ASSERT_EQ(to_float(Half{static_cast<uint16_t>(bits)}), size);
    ASSERT_EQ(to_float(Half{static_cast<uint16_t>(bits | 0x8000)}), -size);
  }
  EXPECT_EQ(to_float(Half{0x7c00}), INFINITY);
  EXPECT_EQ(to_float(Half{0xfc00}), -INFINITY);
  EXPECT_TRUE(std::isnan(to_float(Half{0x7e01})));
}

}  // namespace
}  // namespace limbeck::kernels
