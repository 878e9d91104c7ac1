#include "generate/top_log_probs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/errors.h"
#include "base/seeds.h"

namespace limbeck::generate {
namespace {

TEST(TopLogProbs, AreThoseOfASortedSoftmaxInDoublePrecision) {
  Random random(Seed(3));
  for (const int64_t n : {1, 2, 17, 1000}) {
    std::vector<float> logits(static_cast<std::size_t>(n));
    for (float& x : logits) x = static_cast<float>(3 * random.normal());
    if (n > 4) logits[3] = logits[4];  // a tie
    double total = 0;
    for (const float x : logits) total += std::exp(static_cast<double>(x));
    std::vector<int32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    for (const int64_t k : {0, 1, 5, 1000, 2000}) {
      const TopLogProbs top = top_log_probs(logits.data(), n, k);
      const auto kept = static_cast<std::size_t>(std::min(n, k));
      ASSERT_EQ(top.ids.size(), kept);
      double rest = 1;
      for (std::size_t i = 0; i < kept; ++i) {
        EXPECT_EQ(top.ids[i], order[i]);
        const double p = std::exp(static_cast<double>(logits[static_cast<std::size_t>(order[i])])) / total;
        EXPECT_NEAR(top.log_probs[i], std::log(p), 1e-5);
        rest -= p;
      }
      EXPECT_NEAR(top.rest, rest, 1e-6);
    }
  }
}

TEST(TopLogProbs, RefuseWhatIsNoNumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinity}) {
    const std::vector<float> logits = {1, bad, 2};
    EXPECT_THROW(top_log_probs(logits.data(), 3, 2), Error);
  }
  const std::vector<float> masked = {1, -infinity};
  EXPECT_EQ(top_log_probs(masked.data(), 2, 1).ids, (std::vector<int32_t>{0}));
}

}  // namespace
}  // namespace limbeck::generate
