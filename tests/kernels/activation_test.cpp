#include "kernels/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace limbeck::kernels {
namespace {

constexpr Activation kAll[] = {Activation::kGelu, Activation::kGeluTanh, Activation::kQuickGelu, Activation::kSilu,
                               Activation::kRelu};

double definition(Activation kind, double x) {
  const auto sigmoid = [](double z) { return 1 / (1 + std::exp(-z)); };
  switch (kind) {
    case Activation::kGelu:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kQuickGelu:
      return x * sigmoid(1.702 * x);
    case Activation::kSilu:
      return x * sigmoid(x);
    case Activation::kRelu:
      return x > 0 ? x : 0;
  }
  return NAN;
}

double slope(Activation kind, double x) {
  return (definition(kind, x + 1e-5) - definition(kind, x - 1e-5)) / 2e-5;
}

// Numbers of -9 to 9 that bf16 holds, more than a piece of a thread, not a multiple of a vector.
std::vector<float> numbers() {
  std::vector<float> x(9001);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = to_float(to_bfloat16(0.002f * static_cast<float>(i) - 9.0f + 0.0013f));
  return x;
}

std::vector<BFloat16> rounded(const std::vector<float>& x) {
  std::vector<BFloat16> low;
  for (const float number : x) low.push_back(to_bfloat16(number));
  return low;
}

TEST(ActivationKernel, ValueAndSlopeAreWithinAMillionthOfTheDefinition) {
  const std::vector<float> x = numbers();
  std::vector<float> dy(x.size()), y(x.size()), dx(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) dy[i] = std::sin(static_cast<float>(i));
  for (const Activation kind : kAll) {
    activate(kind, x.data(), y.data(), static_cast<int64_t>(x.size()));
    activate_gradient(kind, x.data(), dy.data(), dx.data(), static_cast<int64_t>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_NEAR(y[i], definition(kind, x[i]), 2e-6) << static_cast<int>(kind) << " at " << x[i];
      ASSERT_NEAR(dx[i], dy[i] * slope(kind, x[i]), 3e-6) << static_cast<int>(kind) << " at " << x[i];
    }
  }
}

TEST(ActivationKernel, ExtremesNeitherOverflowNorVanish) {
  for (const Activation kind : kAll) {
    const std::vector<float> x = {0, -0.0f, 1e4f, -1e4f, 30, -30};
    std::vector<float> y(6), dx(6), dy(6, 1);
    activate(kind, x.data(), y.data(), 6);
    activate_gradient(kind, x.data(), dy.data(), dx.data(), 6);
    EXPECT_EQ(y[0], 0);
    EXPECT_FLOAT_EQ(y[2], 1e4f);
    EXPECT_NEAR(y[3], 0, 1e-6);
    EXPECT_FLOAT_EQ(dx[2], 1);
    EXPECT_NEAR(dx[3], 0, 1e-6);
    activate(kind, x.data(), y.data(), 0);
  }
}

TEST(ActivationKernel, AGateIsActivatedAndMultiplied) {
  constexpr int64_t kRows = 5, kWidth = 37;
  std::vector<float> gate_up(kRows * kWidth * 2), dy(kRows * kWidth), y(dy), gradient(gate_up);
  for (std::size_t i = 0; i < gate_up.size(); ++i)
    gate_up[i] = to_float(to_bfloat16(3 * std::sin(1.3f * static_cast<float>(i + 1))));
  for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = to_float(to_bfloat16(std::cos(static_cast<float>(i))));
  const auto low = rounded(gate_up), low_dy = rounded(dy);
  std::vector<BFloat16> low_y(y.size()), low_gradient(gate_up.size());
  for (const Activation kind : kAll) {
    activate_gated(kind, gate_up.data(), y.data(), kRows, kWidth);
    activate_gated_gradient(kind, gate_up.data(), dy.data(), gradient.data(), kRows, kWidth);
    activate_gated(kind, low.data(), low_y.data(), kRows, kWidth);
    activate_gated_gradient(kind, low.data(), low_dy.data(), low_gradient.data(), kRows, kWidth);
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t i = 0; i < kWidth; ++i) {
        const int64_t at = r * kWidth + i, gate = 2 * r * kWidth + i, up = gate + kWidth;
        EXPECT_NEAR(y[at], definition(kind, gate_up[gate]) * gate_up[up], 5e-6);
        EXPECT_NEAR(gradient[gate], dy[at] * gate_up[up] * slope(kind, gate_up[gate]), 1e-5);
        EXPECT_NEAR(gradient[up], dy[at] * definition(kind, gate_up[gate]), 5e-6);
        EXPECT_EQ(low_y[at].bits, to_bfloat16(y[at]).bits);
        EXPECT_EQ(low_gradient[gate].bits, to_bfloat16(gradient[gate]).bits);
        EXPECT_EQ(low_gradient[up].bits, to_bfloat16(gradient[up]).bits);
      }
  }
}

TEST(ActivationKernel, Bf16IsFp32Rounded) {
  const std::vector<float> x = numbers();
  const auto low = rounded(x);
  std::vector<float> y(x.size()), dx(x.size());
  std::vector<BFloat16> low_y(x.size()), low_dx(x.size());
  const auto count = static_cast<int64_t>(x.size());
  for (const Activation kind : kAll) {
    activate(kind, x.data(), y.data(), count);
    activate(kind, low.data(), low_y.data(), count);
    activate_gradient(kind, x.data(), x.data(), dx.data(), count);
    activate_gradient(kind, low.data(), low.data(), low_dx.data(), count);
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(low_y[i].bits, to_bfloat16(y[i]).bits);
      ASSERT_EQ(low_dx[i].bits, to_bfloat16(dx[i]).bits);
    }
  }
}

}  // namespace
}  // namespace limbeck::kernels
