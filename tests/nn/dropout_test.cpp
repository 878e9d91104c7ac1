#include "nn/dropout.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

TEST(Dropout, TheGradientIsDroppedWhereTheNumbersAre) {
  const at::Tensor keys = at::arange(9, at::kLong), x = at::ones({9, 40});
  const auto f = [&](const auto& in) { return Results{dropout(in[0], keys, 5, 0.25)}; };
  const at::Tensor y = f(std::vector<at::Tensor>{x})[0], gradient = gradients_of(f, {x})[0];
  EXPECT_TRUE(at::equal(y == 0, gradient == 0));
  EXPECT_GT((y == 0).sum().item<int64_t>(), 40);
  at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(f(std::vector<at::Tensor>{x})[0], y));
}

TEST(Dropout, ARateOf0IsTheInputAndWrongKeysAreAnError) {
  const at::Tensor x = at::ones({3, 4});
  EXPECT_TRUE(dropout(x, at::arange(3, at::kLong), 0, 0).is_same(x));
  EXPECT_THROW(dropout(x, at::arange(2, at::kLong), 0, 0.5), Error);
  EXPECT_THROW(dropout(x, at::arange(3, at::kFloat), 0, 0.5), Error);
  EXPECT_THROW(dropout(x, at::arange(3, at::kLong), 0, 1), Error);
}

}  // namespace
}  // namespace limbeck::nn
