#include "kernels/head_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/seeds.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kTokens = 70, kHeads = 3, kDim = 10, kStride = 47;  // rows hold more than the heads
constexpr float kEpsilon = 0.1f;

struct Data {
  std::vector<float> x, dy, weight, y, dx, scale = std::vector<float>(kTokens * kHeads),
                                           dweight = std::vector<float>(kDim);
  Data() {
    Random random{Seed(1)};
    for (auto* numbers : {&x, &dy, &weight}) {
      numbers->resize(numbers == &weight ? kDim : kTokens * kStride);
      // exact in bf16
      for (float& number : *numbers) number = to_float(to_bfloat16(static_cast<float>(random.normal())));
    }
    y = dx = std::vector<float>(kTokens * kStride, -7);
  }
  HeadNorm norm() const {
    return {.tokens = kTokens,
            .heads = kHeads,
            .dim = kDim,
            .stride = kStride,
            .epsilon = kEpsilon,
            .weight = weight.data()};
  }
};

double objective(const std::vector<double>& x, const std::vector<double>& weight, const std::vector<float>& dy) {
  double total = 0;
  for (int64_t t = 0; t < kTokens; ++t)
    for (int64_t h = 0; h < kHeads; ++h) {
      const int64_t at = t * kStride + h * kDim;
      double squares = 0;
      for (int64_t i = 0; i < kDim; ++i) squares += x[at + i] * x[at + i];
      const double scale = 1 / std::sqrt(squares / kDim + kEpsilon);
      for (int64_t i = 0; i < kDim; ++i) total += dy[at + i] * x[at + i] * scale * weight[i];
    }
  return total;
}

TEST(HeadNormKernel, NormalisesEachHeadAndLeavesTheRestOfTheRow) {
  Data d;
  head_norm(d.norm(), d.x.data(), d.y.data(), d.scale.data());
  for (int64_t t = 0; t < kTokens; ++t)
    for (int64_t i = 0; i < kStride; ++i) {
      const int64_t head = i / kDim, at = t * kStride;
      if (head >= kHeads) {
        EXPECT_EQ(d.y[at + i], -7);
        continue;
      }
      double squares = 0;
      for (int64_t e = 0; e < kDim; ++e) squares += std::pow(d.x[at + head * kDim + e], 2);
      EXPECT_NEAR(d.y[at + i], d.x[at + i] / std::sqrt(squares / kDim + kEpsilon) * d.weight[i % kDim], 1e-5);
    }
}

TEST(HeadNormKernel, GradientEqualsFiniteDifferences) {
  Data d;
  head_norm(d.norm(), d.x.data(), d.y.data(), d.scale.data());
  head_norm_gradient(d.norm(), d.x.data(), d.scale.data(), d.dy.data(), d.dx.data(), d.dweight.data());
  std::vector<double> x(d.x.begin(), d.x.end()), weight(d.weight.begin(), d.weight.end());
  const auto slope = [&](double& at) {
    const double before = at, step = 1e-5;
    at = before + step;
    const double above = objective(x, weight, d.dy);
    at = before - step;
    const double below = objective(x, weight, d.dy);
    at = before;
    return (above - below) / (2 * step);
  };
  for (int64_t i = 0; i < kDim; ++i) EXPECT_NEAR(d.dweight[i], slope(weight[i]), 1e-4) << i;
  for (int64_t i = 0; i < kTokens * kStride; i += 13) {
    if (i % kStride < kHeads * kDim) {
      EXPECT_NEAR(d.dx[i], slope(x[i]), 1e-4) << i;
    }
  }
}

TEST(HeadNormKernel, Bf16IsFp32Rounded) {
  Data d;
  head_norm(d.norm(), d.x.data(), d.y.data(), d.scale.data());
  head_norm_gradient(d.norm(), d.x.data(), d.scale.data(), d.dy.data(), d.dx.data(), d.dweight.data());
  std::vector<BFloat16> x, dy, y(d.y.size()), dx(d.y.size());
  for (const float number : d.x) x.push_back(to_bfloat16(number));
  for (const float number : d.dy) dy.push_back(to_bfloat16(number));
  std::vector<float> scale(d.scale.size()), dweight(kDim);
  head_norm(d.norm(), x.data(), y.data(), scale.data());
  head_norm_gradient(d.norm(), x.data(), scale.data(), dy.data(), dx.data(), dweight.data());
  EXPECT_EQ(scale, d.scale);
  EXPECT_EQ(dweight, d.dweight);
  for (int64_t t = 0; t < kTokens; ++t)
    for (int64_t i = t * kStride; i < t * kStride + kHeads * kDim; ++i) {
      EXPECT_EQ(y[i].bits, to_bfloat16(d.y[i]).bits);
      EXPECT_EQ(dx[i].bits, to_bfloat16(d.dx[i]).bits);
    }
}

TEST(HeadNormKernel, NoTokensAreNoWork) {
  Data d;
  HeadNorm none = d.norm();
  none.tokens = 0;
  head_norm(none, d.x.data(), d.y.data(), nullptr);
  head_norm_gradient(none, d.x.data(), d.scale.data(), d.dy.data(), d.dx.data(), d.dweight.data());
  EXPECT_EQ(d.dweight, std::vector<float>(kDim, 0.0f));
}

}  // namespace
}  // namespace limbeck::kernels
