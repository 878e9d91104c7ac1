#include "kernels/rms_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/seeds.h"

namespace limbeck::kernels {
namespace {

std::vector<float> random_numbers(int64_t count, uint64_t seed) {
  Random random{Seed(seed)};
  std::vector<float> numbers(count);
  for (float& x : numbers) x = static_cast<float>(random.normal());
  return numbers;
}

std::vector<BFloat16> rounded(const std::vector<float>& numbers) {
  std::vector<BFloat16> result;
  for (const float x : numbers) result.push_back(to_bfloat16(x));
  return result;
}

constexpr int64_t kRows = 150, kWidth = 37;  // several blocks of rows, a width that fills no vector
constexpr float kEpsilon = 0.1f;

// Σ dy∘norm(x + delta) + Σ dsum∘(x + delta), in fp64.
double objective(const std::vector<double>& sum, const std::vector<double>& weight, const std::vector<float>& dy,
                 const std::vector<float>& dsum) {
  double total = 0;
  for (int64_t r = 0; r < kRows; ++r) {
    double squares = 0;
    for (int64_t i = 0; i < kWidth; ++i) squares += sum[r * kWidth + i] * sum[r * kWidth + i];
    const double scale = 1 / std::sqrt(squares / kWidth + kEpsilon);
    for (int64_t i = r * kWidth; i < (r + 1) * kWidth; ++i)
      total += dy[i] * sum[i] * scale * weight[i % kWidth] + dsum[i] * sum[i];
  }
  return total;
}

struct Data {
  std::vector<float> x = random_numbers(kRows * kWidth, 1), delta = random_numbers(kRows * kWidth, 2),
                     weight = random_numbers(kWidth, 3), dy = random_numbers(kRows * kWidth, 4),
                     dsum = random_numbers(kRows * kWidth, 5);
  std::vector<float> sum = std::vector<float>(kRows * kWidth), y = sum, dx = sum;
  std::vector<float> scale = std::vector<float>(kRows), dweight = std::vector<float>(kWidth);

  RmsNorm norm() {
    RmsNorm n{.rows = kRows, .width = kWidth, .epsilon = kEpsilon};
    n.x = x.data(), n.delta = delta.data(), n.weight = weight.data();
    n.sum = sum.data(), n.scale = scale.data(), n.y = y.data();
    return n;
  }
  RmsNormGradient gradient() {
    RmsNormGradient g{.rows = kRows, .width = kWidth};
    g.sum = sum.data(), g.scale = scale.data(), g.weight = weight.data();
    g.dy = dy.data(), g.dsum = dsum.data(), g.dx = dx.data(), g.dweight = dweight.data();
    return g;
  }
};

TEST(RmsNormKernel, NormalisesTheSum) {
  Data d;
  rms_norm(d.norm());
  for (int64_t r = 0; r < kRows; ++r) {
    double squares = 0;
    for (int64_t i = r * kWidth; i < (r + 1) * kWidth; ++i) {
      EXPECT_EQ(d.sum[i], d.x[i] + d.delta[i]);
      squares += double(d.sum[i]) * d.sum[i];
    }
    for (int64_t i = r * kWidth; i < (r + 1) * kWidth; ++i)
      EXPECT_NEAR(d.y[i], d.sum[i] / std::sqrt(squares / kWidth + kEpsilon) * d.weight[i % kWidth], 1e-5);
  }
}

TEST(RmsNormKernel, WithoutADeltaTheInputIsNormalised) {
  Data d;
  rms_norm(d.norm());
  Data alone;
  alone.x = d.sum;
  RmsNorm norm = alone.norm();
  norm.delta = nullptr;
  norm.sum = nullptr;
  rms_norm(norm);
  EXPECT_EQ(alone.y, d.y);
}

TEST(RmsNormKernel, GradientEqualsFiniteDifferences) {
  Data d;
  rms_norm(d.norm());
  rms_norm_gradient(d.gradient());
  std::vector<double> sum(d.sum.begin(), d.sum.end()), weight(d.weight.begin(), d.weight.end());
  const auto slope = [&](double& at) {
    const double before = at, step = 1e-5;
    at = before + step;
    const double above = objective(sum, weight, d.dy, d.dsum);
    at = before - step;
    const double below = objective(sum, weight, d.dy, d.dsum);
    at = before;
    return (above - below) / (2 * step);
  };
  for (int64_t i = 0; i < kWidth; ++i) EXPECT_NEAR(d.dweight[i], slope(weight[i]), 1e-4) << i;
  for (int64_t i = 0; i < kRows * kWidth; i += 61) EXPECT_NEAR(d.dx[i], slope(sum[i]), 1e-4) << i;
}

TEST(RmsNormKernel, Bf16InputsAndOutputsAreThoseOfFp32Rounded) {
  Data d;
  const auto low_delta = rounded(d.delta), low_dy = rounded(d.dy);
  for (int64_t i = 0; i < kRows * kWidth; ++i) d.delta[i] = to_float(low_delta[i]), d.dy[i] = to_float(low_dy[i]);
  rms_norm(d.norm());
  rms_norm_gradient(d.gradient());
  Data low;
  std::vector<BFloat16> y(kRows * kWidth), dx(kRows * kWidth);
  RmsNorm norm = low.norm();
  norm.delta = nullptr, norm.delta_low = low_delta.data(), norm.y = nullptr, norm.y_low = y.data();
  rms_norm(norm);
  RmsNormGradient gradient = low.gradient();
  gradient.dy = nullptr, gradient.dy_low = low_dy.data(), gradient.dx_low = dx.data();
  rms_norm_gradient(gradient);
  EXPECT_EQ(low.sum, d.sum);
  for (int64_t i = 0; i < kRows * kWidth; ++i) {
    EXPECT_EQ(y[i].bits, to_bfloat16(d.y[i]).bits);
    EXPECT_EQ(low.dx[i], d.dx[i]);
    EXPECT_EQ(dx[i].bits, to_bfloat16(d.dx[i]).bits);
  }
}

}  // namespace
}  // namespace limbeck::kernels
