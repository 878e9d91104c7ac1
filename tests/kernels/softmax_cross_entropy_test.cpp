#include "kernels/softmax_cross_entropy.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/seeds.h"

namespace limbeck::kernels {
namespace {

std::vector<float> random_logits(int64_t n, double spread, uint64_t seed) {
  Random random{Seed(seed)};
  std::vector<float> x(n);
  for (auto& value : x) value = static_cast<float>(spread * random.normal());
  return x;
}

struct Reference {
  double loss;
  std::vector<double> gradient;
};
Reference in_float64(const std::vector<float>& logits, int64_t target, double weight) {
  double most = -INFINITY, sum = 0;
  for (float x : logits) most = std::max<double>(most, x);
  for (float x : logits) sum += std::exp(x - most);
  Reference reference{.loss = std::log(sum) + most - logits[target], .gradient = {}};
  for (std::size_t i = 0; i < logits.size(); ++i)
    reference.gradient.push_back(weight * (std::exp(logits[i] - most) / sum - (static_cast<int64_t>(i) == target)));
  return reference;
}

float from_bf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

TEST(SoftmaxCrossEntropy, EqualsFloat64AtEveryLengthAroundTheVectorWidths) {
  for (int64_t n : {1, 2, 7, 15, 16, 17, 31, 33, 64, 1000, 2047, 2048, 2049, 49152}) {
    auto logits = random_logits(n, 4, n);
    const int64_t target = n / 2;
    const auto expected = in_float64(logits, target, 0.75);
    EXPECT_NEAR(cross_entropy(logits, target), expected.loss, 1e-6 * (1 + expected.loss)) << n;
    const double loss = softmax_cross_entropy(logits, target, 0.75f);
    EXPECT_NEAR(loss, expected.loss, 1e-6 * (1 + expected.loss)) << n;
    for (int64_t i = 0; i < n; ++i)
      // 1e-6 with vector code; one lane alone adds 2,048 numbers in fp32.
      ASSERT_NEAR(logits[i], expected.gradient[i], 2e-6 * std::abs(expected.gradient[i]) + 1e-7) << n << " " << i;
  }
}

TEST(SoftmaxCrossEntropy, IsSureOfATargetFarAboveTheRestAndSurvivesMaskedLogits) {
  std::vector<float> logits{-INFINITY, 200, -300, 0};
  EXPECT_NEAR(softmax_cross_entropy(logits, 1, 1), 0, 1e-12);
  EXPECT_EQ(logits, (std::vector<float>{logits[0], 0, logits[2], logits[3]}));
  EXPECT_LT(std::abs(logits[0]) + std::abs(logits[2]) + std::abs(logits[3]), 1e-30);
}

TEST(SoftmaxCrossEntropy, PassesNanAndInfinityOnToTheLoss) {
  for (float bad : {NAN, INFINITY}) {
    std::vector<float> logits(40, 1.0f);
    logits[33] = bad;
    EXPECT_TRUE(std::isnan(cross_entropy(logits, 3)));
    EXPECT_TRUE(std::isnan(softmax_cross_entropy(logits, 3, 1)));
  }
}

TEST(SoftmaxCrossEntropyBf16, DiffersFromFloat64OnlyByTheRoundingOfTheGradient) {
  for (int64_t n : {3, 17, 2049, 49152}) {
    auto logits = random_logits(n, 4, n);
    std::vector<uint16_t> low(n);
    for (int64_t i = 0; i < n; ++i) {
      low[i] = static_cast<uint16_t>(std::bit_cast<uint32_t>(logits[i]) >> 16);
      logits[i] = from_bf16(low[i]);
    }
    const auto expected = in_float64(logits, n - 1, -0.5);
    std::vector<float> scratch(n);
    EXPECT_NEAR(softmax_cross_entropy_bf16(low, n - 1, -0.5f, scratch), expected.loss, 1e-6 * (1 + expected.loss));
    for (int64_t i = 0; i < n; ++i)
      ASSERT_NEAR(from_bf16(low[i]), expected.gradient[i], std::abs(expected.gradient[i]) / 256 + 1e-30)
          << n << " " << i;
  }
}

}  // namespace
}  // namespace limbeck::kernels
