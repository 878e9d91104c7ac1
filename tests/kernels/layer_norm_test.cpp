#include "kernels/layer_norm.h"

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
double objective(const std::vector<double>& sum, const std::vector<double>& weight, const std::vector<double>& bias,
                 const std::vector<float>& dy, const std::vector<float>& dsum) {
  double total = 0;
  for (int64_t r = 0; r < kRows; ++r) {
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < kWidth; ++i) mean += sum[r * kWidth + i] / kWidth;
    for (int64_t i = 0; i < kWidth; ++i) squares += std::pow(sum[r * kWidth + i] - mean, 2);
    const double scale = 1 / std::sqrt(squares / kWidth + kEpsilon);
    for (int64_t i = r * kWidth; i < (r + 1) * kWidth; ++i)
      total += dy[i] * ((sum[i] - mean) * scale * weight[i % kWidth] + bias[i % kWidth]) + dsum[i] * sum[i];
  }
  return total;
}

struct Data {
  std::vector<float> x = random_numbers(kRows * kWidth, 1), delta = random_numbers(kRows * kWidth, 2),
                     weight = random_numbers(kWidth, 3), bias = random_numbers(kWidth, 6),
                     dy = random_numbers(kRows * kWidth, 4), dsum = random_numbers(kRows * kWidth, 5);
  std::vector<float> sum = std::vector<float>(kRows * kWidth), y = sum, dx = sum;
  std::vector<float> mean = std::vector<float>(kRows), scale = mean, dweight = std::vector<float>(kWidth),
                     dbias = dweight;

  LayerNorm norm() {
    LayerNorm n{.rows = kRows, .width = kWidth, .epsilon = kEpsilon};
    n.x = x.data(), n.delta = delta.data(), n.weight = weight.data(), n.bias = bias.data(), n.mean = mean.data();
    n.sum = sum.data(), n.scale = scale.data(), n.y = y.data();
    return n;
  }
  LayerNormGradient gradient() {
    LayerNormGradient g{.rows = kRows, .width = kWidth};
    g.sum = sum.data(), g.scale = scale.data(), g.weight = weight.data(), g.mean = mean.data();
    g.dy = dy.data(), g.dsum = dsum.data(), g.dx = dx.data(), g.dweight = dweight.data(), g.dbias = dbias.data();
    return g;
  }
};

TEST(LayerNormKernel, NormalisesTheSum) {
  Data d;
  layer_norm(d.norm());
  for (int64_t r = 0; r < kRows; ++r) {
    double mean = 0, squares = 0;
    for (int64_t i = r * kWidth; i < (r + 1) * kWidth; ++i) {
      EXPECT_EQ(d.sum[i], d.x[i] + d.delta[i]);
      mean += double(d.sum[i]) / kWidth;
    }
    for (int64_t i = r * kWidth; i < (r + 1) * kWidth; ++i) squares += std::pow(d.sum[i] - mean, 2);
    for (int64_t i = r * kWidth; i < (r + 1) * kWidth; ++i)
      EXPECT_NEAR(
          d.y[i],
          (d.sum[i] - mean) / std::sqrt(squares / kWidth + kEpsilon) * d.weight[i % kWidth] + d.bias[i % kWidth], 1e-5);
  }
}

TEST(LayerNormKernel, WithoutADeltaTheInputIsNormalised) {
  Data d;
  layer_norm(d.norm());
  Data alone;
  alone.x = d.sum;
  LayerNorm norm = alone.norm();
  norm.delta = nullptr;
  norm.sum = nullptr;
  layer_norm(norm);
  EXPECT_EQ(alone.y, d.y);
}

TEST(LayerNormKernel, GradientEqualsFiniteDifferences) {
  Data d;
  layer_norm(d.norm());
  layer_norm_gradient(d.gradient());
  std::vector<double> sum(d.sum.begin(), d.sum.end()), weight(d.weight.begin(), d.weight.end()),
      bias(d.bias.begin(), d.bias.end());
  const auto slope = [&](double& at) {
    const double before = at, step = 1e-5;
    at = before + step;
    const double above = objective(sum, weight, bias, d.dy, d.dsum);
    at = before - step;
    const double below = objective(sum, weight, bias, d.dy, d.dsum);
    at = before;
    return (above - below) / (2 * step);
  };
  for (int64_t i = 0; i < kWidth; ++i) {
    EXPECT_NEAR(d.dweight[i], slope(weight[i]), 1e-4) << i;
    EXPECT_NEAR(d.dbias[i], slope(bias[i]), 1e-4) << i;
  }
  for (int64_t i = 0; i < kRows * kWidth; i += 61) EXPECT_NEAR(d.dx[i], slope(sum[i]), 1e-4) << i;
}

TEST(LayerNormKernel, Bf16InputsAndOutputsAreThoseOfFp32Rounded) {
  Data d;
  const auto low_delta = rounded(d.delta), low_dy = rounded(d.dy);
  for (int64_t i = 0; i < kRows * kWidth; ++i) d.delta[i] = to_float(low_delta[i]), d.dy[i] = to_float(low_dy[i]);
  layer_norm(d.norm());
  layer_norm_gradient(d.gradient());
  Data low;
  std::vector<BFloat16> y(kRows * kWidth), dx(kRows * kWidth);
  LayerNorm norm = low.norm();
  norm.delta = nullptr, norm.delta_low = low_delta.data(), norm.y = nullptr, norm.y_low = y.data();
  layer_norm(norm);
  LayerNormGradient gradient = low.gradient();
  gradient.dy = nullptr, gradient.dy_low = low_dy.data(), gradient.dx_low = dx.data();
  layer_norm_gradient(gradient);
  EXPECT_EQ(low.sum, d.sum);
  for (int64_t i = 0; i < kRows * kWidth; ++i) {
    EXPECT_EQ(y[i].bits, to_bfloat16(d.y[i]).bits);
    EXPECT_EQ(low.dx[i], d.dx[i]);
    EXPECT_EQ(dx[i].bits, to_bfloat16(d.dx[i]).bits);
  }
}

TEST(LayerNormKernel, ALargeMeanDoesNotDrownTheVariance) {
  Data d;
  for (float& x : d.x) x += 1000;
  std::vector<float> near = d.x;
  LayerNorm norm = d.norm();
  norm.delta = nullptr, norm.sum = nullptr;
  layer_norm(norm);
  for (int64_t r = 0; r < kRows; ++r) {
    double mean = 0, squares = 0;
    for (int64_t i = r * kWidth; i < (r + 1) * kWidth; ++i) mean += double(near[i]) / kWidth;
    for (int64_t i = r * kWidth; i < (r + 1) * kWidth; ++i) squares += std::pow(near[i] - mean, 2);
    EXPECT_NEAR(d.scale[r], 1 / std::sqrt(squares / kWidth + kEpsilon), 1e-3);
  }
}

}  // namespace
}  // namespace limbeck::kernels
