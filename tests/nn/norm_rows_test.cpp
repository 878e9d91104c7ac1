#include "nn/norm_rows.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

TEST(NormRows, ARoundedSumGivesTheGradientsOfTheExactOneUpToItsRounding) {
  at::manual_seed(2);
  const at::Tensor x = at::randn({70, 33}), delta = at::randn({70, 33}).to(at::kBFloat16);
  const at::Tensor dy = at::randn({70, 33}).to(at::kBFloat16), dsum = at::randn({70, 33});
  const NormSettings norm{.weight = at::randn({33}), .epsilon = 1e-5, .output = Precision::kBf16};
  const NormedRows exact = normalise(x, delta, norm, KeptSum::kExact);
  const NormedRows rounded = normalise(x, delta, norm, KeptSum::kRounded);
  EXPECT_TRUE(at::equal(exact.sum, rounded.sum)) << "what goes on is fp32 in any case";
  EXPECT_TRUE(at::equal(exact.y, rounded.y));
  EXPECT_TRUE(at::equal(exact.kept, exact.sum));
  EXPECT_TRUE(at::equal(rounded.kept, exact.sum.to(at::kBFloat16)));

  const NormGradientRequest request{.dsum = dsum, .delta_type = at::kBFloat16, .want_y = true};
  const NormGradients expected = norm_gradients(exact, norm, dy, request);
  const NormGradients got = norm_gradients(rounded, norm, dy, request);
  EXPECT_TRUE(at::equal(expected.y, exact.y)) << "the norm once more";
  EXPECT_TRUE(at::equal(normed_again(exact, norm), exact.y));
  EXPECT_TRUE(at::equal(normed_again(rounded, norm), got.y));
  EXPECT_LT(relative_error(got.y, expected.y), 3e-3);
  EXPECT_LT(relative_error(got.x, expected.x), 3e-3);
  EXPECT_LT(relative_error(got.delta, expected.delta), 4e-3);
  EXPECT_LT(relative_error(got.weight, expected.weight), 3e-3);
}

}  // namespace
}  // namespace limbeck::nn
