#include "kernels/adamw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/seeds.h"

namespace limbeck::kernels {
namespace {

TEST(Adamw, EqualsTheFormulaInFloat64OverSeveralStepsAtAnyLength) {
  for (int64_t n : {1, 7, 16, 33, 1000}) {
    Random random{Seed(n)};
    std::vector<float> p(n), g(n), m(n), v(n);
    for (auto& x : p) x = static_cast<float>(random.normal());
    std::vector<double> pd(p.begin(), p.end()), md(n), vd(n);
    const double lr = 0.01, b1 = 0.9, b2 = 0.999, eps = 1e-8, decay = 0.1, scale = 0.5;
    for (int t = 1; t <= 5; ++t) {
      for (auto& x : g) x = static_cast<float>(random.normal());
      const double c1 = 1 - std::pow(b1, t), c2 = 1 - std::pow(b2, t);
      adamw(p.data(), g.data(), m.data(), v.data(), n,
            {.learning_rate = 0.01f,
             .beta1 = 0.9f,
             .beta2 = 0.999f,
             .epsilon = 1e-8f,
             .weight_decay = 0.1f,
             .correction1 = static_cast<float>(c1),
             .correction2 = static_cast<float>(c2),
             .gradient_scale = 0.5f});
      for (int64_t i = 0; i < n; ++i) {
        const double gi = scale * g[i];
        md[i] = b1 * md[i] + (1 - b1) * gi;
        vd[i] = b2 * vd[i] + (1 - b2) * gi * gi;
        pd[i] -= lr * (decay * pd[i] + (md[i] / c1) / (std::sqrt(vd[i] / c2) + eps));
      }
    }
    for (int64_t i = 0; i < n; ++i) ASSERT_NEAR(p[i], pd[i], 2e-6) << n << " " << i;
  }
}

TEST(SumOfSquares, IsExactForWholeNumbersOverManyBlocks) {
  std::vector<float> x(5000, 3.0f);
  EXPECT_EQ(sum_of_squares(x.data(), 5000), 45000);
  EXPECT_EQ(sum_of_squares(x.data(), 0), 0);
}

}  // namespace
}  // namespace limbeck::kernels
