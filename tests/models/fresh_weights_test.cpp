#include "models/fresh_weights.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace limbeck::models {
namespace {

TEST(FreshWeights, AreWhatTheirTraitsSay) {
  at::Tensor tensor = at::empty({200, 100});
  fill_fresh({"norm.weight", &tensor, {.fresh = nn::Fresh::kOnes, .layout = {}}}, 0.02, Seed(1));
  EXPECT_TRUE(at::equal(tensor, at::ones({200, 100})));
  fill_fresh({"bias", &tensor, {.fresh = nn::Fresh::kZeros, .layout = {}}}, 0.02, Seed(1));
  EXPECT_TRUE(at::equal(tensor, at::zeros({200, 100})));
  fill_fresh({"weight", &tensor, {.deviation = 0.5, .layout = {}}}, 0.02, Seed(1));
  EXPECT_NEAR(tensor.std().item<double>(), 0.01, 2e-4);
  EXPECT_NEAR(tensor.mean().item<double>(), 0, 2e-4);
}

TEST(FreshWeights, DependOnSeedAndNameAlone) {
  at::Tensor a = at::empty({50, 40}), b = at::empty({50, 40});
  const auto draw = [](const char* name, at::Tensor& into, uint64_t seed) {
    fill_fresh({name, &into, {}}, 0.02, Seed(seed));
  };
  draw("q", a, 1), draw("q", b, 1);
  EXPECT_TRUE(at::equal(a, b));
  draw("k", b, 1);
  EXPECT_FALSE(at::equal(a, b));
  draw("q", b, 2);
  EXPECT_FALSE(at::equal(a, b));
}

// PE(pos, 2i) = sin(pos / 10000^(2i/D)), PE(pos, 2i+1) = cos of the same.
TEST(FreshWeights, SinusoidalPlacesAreThoseOfTheFormula) {
  at::Tensor table = at::empty({7, 5});
  fill_sinusoidal(table);
  EXPECT_EQ(table[0][0].item<float>(), 0);
  EXPECT_EQ(table[0][1].item<float>(), 1);
  EXPECT_NEAR(table[3][0].item<double>(), std::sin(3.0), 1e-6);
  EXPECT_NEAR(table[3][3].item<double>(), std::cos(3.0 / std::pow(10000.0, 2.0 / 5)), 1e-6);
  EXPECT_NEAR(table[6][4].item<double>(), std::sin(6.0 / std::pow(10000.0, 4.0 / 5)), 1e-6);
}

}  // namespace
}  // namespace limbeck::models
