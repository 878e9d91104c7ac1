#include "kernels/matrix_product.h"

#include <gtest/gtest.h>
#include <omp.h>

#include <cmath>
#include <cstring>
#include <random>
#include <tuple>
#include <vector>

namespace limbeck::kernels {
namespace {

template <class Number>
std::vector<Number> random_row(int64_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<Number> numbers(static_cast<std::size_t>(count));
  for (Number& number : numbers) {
    if constexpr (std::is_same_v<Number, BFloat16>)
      number = to_bfloat16(normal(engine));
    else
      number = normal(engine);
  }
  return numbers;
}

double wide(float value) {
  return value;
}
double wide(BFloat16 value) {
  return to_float(value);
}

template <class Number>
double element(const Operand<Number>& operand, int64_t i, int64_t p) {
  return wide(operand.contracted == Contracted::kWithinRows ? operand.numbers[i * operand.stride + p]
                                                            : operand.numbers[p * operand.stride + i]);
}

// An operand of `count` rows (or columns) with rows three numbers longer than need be.
template <class Number>
struct Stored {
  Stored(int64_t count, int64_t k, Contracted contracted, unsigned seed)
      : stride((contracted == Contracted::kWithinRows ? k : count) + 3),
        numbers(random_row<Number>((contracted == Contracted::kWithinRows ? count : k) * stride, seed)),
        operand{numbers.data(), stride, contracted} {}
  int64_t stride;
  std::vector<Number> numbers;
  Operand<Number> operand;
};

using Sizes = std::tuple<int64_t, int64_t, int64_t>;
const std::vector<Sizes> kSizes{{1, 1, 1},    {1, 48, 2},   {8, 48, 64},   {3, 17, 5},     {9, 49, 31},
                                {17, 100, 7}, {70, 33, 64}, {5, 50, 1700}, {131, 97, 801}, {12, 700, 3201}};

template <class Number>
class MatrixProductOf : public testing::Test {};
using Numbers = testing::Types<float, BFloat16>;
TYPED_TEST_SUITE(MatrixProductOf, Numbers);

TYPED_TEST(MatrixProductOf, EqualsFloat64OnEverySizeWhicheverSidesAreContracted) {
  for (const auto& [m, n, k] : kSizes)
    for (const auto a_side : {Contracted::kWithinRows, Contracted::kAcrossRows})
      for (const auto b_side : {Contracted::kWithinRows, Contracted::kAcrossRows}) {
        const Stored<TypeParam> a(m, k, a_side, 1), b(n, k, b_side, 2);
        const auto bias = random_row<float>(n, 3), before = random_row<float>(m * (n + 1), 4);
        std::vector<float> c(m * (n + 1), std::nanf("")), added = before;
        std::vector<BFloat16> low(m * (n + 2));
        MatrixProduct<TypeParam> product{
            .m = m, .n = n, .k = k, .a = a.operand, .b = b.operand, .bias = bias.data(), .c = c.data()};
        product.c_stride = n + 1;
        multiply(product);
        product.bias = nullptr;
        product.add = true;
        product.c = added.data();
        multiply(product);
        product.add = false;
        product.c = nullptr;
        product.c_low = low.data();
        product.c_stride = n + 2;
        multiply(product);
        const double room = 3e-7 * static_cast<double>(k) + 1e-5;
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < n; ++j) {
            double sum = 0;
            for (int64_t p = 0; p < k; ++p) sum += element(a.operand, i, p) * element(b.operand, j, p);
            const int64_t at = i * (n + 1) + j;
            ASSERT_NEAR(c[at], sum + bias[j], room) << m << "x" << n << "x" << k << " at " << i << "," << j;
            ASSERT_NEAR(added[at], sum + before[at], room) << m << "x" << n << "x" << k << " at " << i << "," << j;
            ASSERT_NEAR(to_float(low[i * (n + 2) + j]), sum, room + std::abs(sum) / 256)
                << m << "x" << n << "x" << k << " at " << i << "," << j;
          }
      }
}

TYPED_TEST(MatrixProductOf, GivesTheSameBitsOnAnyNumberOfThreadsAndARowInAnyCompany) {
  const int64_t m = 150, n = 130, k = 2001;
  const Stored<TypeParam> a(m, k, Contracted::kAcrossRows, 5), b(n, k, Contracted::kWithinRows, 6);
  const auto product = [&](int64_t first, int64_t rows) {
    std::vector<float> c(rows * n);
    Operand<TypeParam> part = a.operand;
    part.numbers += first;
    multiply(MatrixProduct<TypeParam>{
        .m = rows, .n = n, .k = k, .a = part, .b = b.operand, .bias = nullptr, .c = c.data(), .c_stride = n});
    return c;
  };
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto expected = product(0, m);
  for (const int threads : {2, 3, 5}) {
    omp_set_num_threads(threads);
    EXPECT_EQ(product(0, m), expected) << threads;
  }
  omp_set_num_threads(before);
  for (const auto& [first, rows] : {std::pair<int64_t, int64_t>{0, 1}, {7, 60}, {149, 1}})
    EXPECT_EQ(std::memcmp(product(first, rows).data(), expected.data() + first * n, rows * n * sizeof(float)), 0);
}

TYPED_TEST(MatrixProductOf, OfNothingIsTheBiasOrWhatStoodThere) {
  const std::vector<float> bias{1, 2, 3};
  std::vector<float> c(6, 7);
  MatrixProduct<TypeParam> product{.m = 2, .n = 3, .k = 0, .a = {}, .b = {}, .bias = bias.data(), .c = c.data()};
  product.c_stride = 3;
  product.add = true;
  multiply(product);
  EXPECT_EQ(c, std::vector<float>(6, 7));
  product.add = false;
  multiply(product);
  EXPECT_EQ(c, (std::vector<float>{1, 2, 3, 1, 2, 3}));
  product.m = 0;
  product.c = nullptr;
  multiply(product);
}

TEST(MatrixProduct, RoundsAWideOperandAsIfItHadBeenRoundedBefore) {
  for (const auto& [m, n, k] : kSizes)
    for (const auto side : {Contracted::kWithinRows, Contracted::kAcrossRows}) {
      const Stored<BFloat16> a(m, k, Contracted::kWithinRows, 7);
      const Stored<float> wide(n, k, side, 8);
      std::vector<BFloat16> rounded;
      for (const float number : wide.numbers) rounded.push_back(to_bfloat16(number));
      std::vector<float> c(m * n), expected(m * n);
      MatrixProduct<BFloat16> product{
          .m = m, .n = n, .k = k, .a = a.operand, .b = {}, .b_wide = wide.operand, .bias = nullptr, .c = c.data()};
      product.c_stride = n;
      multiply(product);
      product.b_wide = {};
      product.b = {rounded.data(), wide.stride, side};
      product.c = expected.data();
      multiply(product);
      ASSERT_EQ(c, expected) << m << "x" << n << "x" << k;
    }
}

TEST(MatrixProduct, DoesNotReadPastAnOddRow) {
  // The number after the row is not finite; were it multiplied, even by a zero, the sum would not be either.
  const std::vector<BFloat16> a{to_bfloat16(2), to_bfloat16(3), to_bfloat16(4), to_bfloat16(INFINITY)};
  float c = 0;
  multiply(MatrixProduct<BFloat16>{.m = 1,
                                   .n = 1,
                                   .k = 3,
                                   .a = {a.data(), 4, Contracted::kWithinRows},
                                   .b = {a.data(), 4, Contracted::kWithinRows},
                                   .bias = nullptr,
                                   .c = &c,
                                   .c_stride = 1});
  EXPECT_EQ(c, 29);
}

}  // namespace
}  // namespace limbeck::kernels
