#include "kernels/swiglu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/seeds.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kRows = 300, kWidth = 131;

std::vector<float> random_numbers(int64_t count, uint64_t seed, double size) {
  Random random{Seed(seed)};
  std::vector<float> numbers(count);
  for (float& x : numbers) x = to_float(to_bfloat16(static_cast<float>(random.normal() * size)));
  return numbers;
}

double value(double g, double u) {
  return g / (1 + std::exp(-g)) * u;
}

TEST(SwigluKernel, EqualsTheDefinitionAndItsSlope) {
  const auto x = random_numbers(2 * kRows * kWidth, 1, 3), dy = random_numbers(kRows * kWidth, 2, 1);
  std::vector<float> y(kRows * kWidth), dx(x.size());
  swiglu(x.data(), y.data(), kRows, kWidth);
  swiglu_gradient(x.data(), dy.data(), dx.data(), nullptr, kRows, kWidth);
  for (int64_t r = 0; r < kRows; ++r)
    for (int64_t i = 0; i < kWidth; ++i) {
      const int64_t gate = 2 * r * kWidth + i, up = gate + kWidth, at = r * kWidth + i;
      const double g = x[gate], u = x[up], step = 1e-6;
      ASSERT_NEAR(y[at], value(g, u), 2e-6 * (1 + std::abs(value(g, u))));
      const double slope = (value(g + step, u) - value(g - step, u)) / (2 * step);
      ASSERT_NEAR(dx[gate], dy[at] * slope, 2e-6 * (1 + std::abs(dy[at] * slope)));
      ASSERT_NEAR(dx[up], dy[at] * value(g, 1), 2e-6 * (1 + std::abs(dy[at] * value(g, 1))));
    }
}

TEST(SwigluKernel, LargeGatesDoNotOverflow) {
  const std::vector<float> x = {1e4f, -1e4f, 300, -300, 2, 2, 2, 2}, dy = {1, 1, 1, 1};
  std::vector<float> y(4), dx(8);
  swiglu(x.data(), y.data(), 1, 4);
  EXPECT_FLOAT_EQ(y[0], 2e4f);
  EXPECT_NEAR(y[1], 0, 1e-30);
  swiglu_gradient(x.data(), dy.data(), dx.data(), nullptr, 1, 4);
  for (const float d : dx) EXPECT_TRUE(std::isfinite(d));
  EXPECT_FLOAT_EQ(dx[0], 2);
}

TEST(SwigluKernel, Bf16IsFp32Rounded) {
  const auto x = random_numbers(2 * kRows * kWidth, 3, 2), dy = random_numbers(kRows * kWidth, 4, 1);
  std::vector<BFloat16> low_x, low_dy;
  for (const float v : x) low_x.push_back(to_bfloat16(v));
  for (const float v : dy) low_dy.push_back(to_bfloat16(v));
  std::vector<float> y(dy.size()), dx(x.size());
  std::vector<BFloat16> low_y(dy.size()), low_dx(x.size());
  swiglu(x.data(), y.data(), kRows, kWidth);
  swiglu_gradient(x.data(), dy.data(), dx.data(), nullptr, kRows, kWidth);
  swiglu(low_x.data(), low_y.data(), kRows, kWidth);
  swiglu_gradient(low_x.data(), low_dy.data(), low_dx.data(), nullptr, kRows, kWidth);
  for (std::size_t i = 0; i < y.size(); ++i) ASSERT_EQ(low_y[i].bits, to_bfloat16(y[i]).bits);
  for (std::size_t i = 0; i < dx.size(); ++i) ASSERT_EQ(low_dx[i].bits, to_bfloat16(dx[i]).bits);
}

}  // namespace
}  // namespace limbeck::kernels
