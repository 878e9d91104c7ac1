#include "objectives/chunks.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "base/errors.h"

namespace limbeck::objectives {
namespace {

// Half the sum of squared logits: its gradient in the logits is the logits, which is what is left in them.
double half_square(const at::Tensor&, at::Tensor& logits, bool) {
  return 0.5 * logits.square().sum().item<double>();
}

struct Inputs {
  at::Tensor hidden, weight, rows;  // [N,D], [V,D], [M]
};
Inputs inputs() {
  at::manual_seed(4);
  return {at::randn({10, 6}, at::kDouble).requires_grad_(true), at::randn({15, 6}, at::kDouble).requires_grad_(true),
          at::tensor({1, 2, 5, 7, 9}, at::kLong)};
}

TEST(ChunkedSum, EqualsTheSameLossThroughAutograd) {
  const auto in = inputs();
  const auto whole = 0.5 * at::mm(in.hidden.index_select(0, in.rows), in.weight.t()).square().sum();
  const auto expected = torch::autograd::grad({whole}, {in.hidden, in.weight});
  for (int64_t rows : {1, 2, 3, 5, 0}) {
    const auto sum = chunked_sum(in.hidden, in.weight, in.rows, half_square, {.rows = rows});
    EXPECT_NEAR(sum.item<double>(), whole.item<double>(), 1e-10);
    const auto gradients = torch::autograd::grad({sum}, {in.hidden, in.weight});
    EXPECT_TRUE(at::allclose(gradients[0], expected[0], 0, 1e-11)) << rows;
    EXPECT_TRUE(at::allclose(gradients[1], expected[1], 0, 1e-11)) << rows;
  }
}

TEST(ChunkedSum, BiasAndCapOfTheLogitsEqualTheSameThroughAutograd) {
  const auto in = inputs();
  const at::Tensor bias = at::randn({15}, at::kDouble).requires_grad_(true);
  for (const double cap : {0.0, 1.3}) {
    at::Tensor logits = at::mm(in.hidden.index_select(0, in.rows), in.weight.t()) + bias;
    if (cap > 0) logits = at::tanh(logits / cap) * cap;
    const auto whole = 0.5 * logits.square().sum();
    const auto expected = torch::autograd::grad({whole}, {in.hidden, in.weight, bias});
    for (int64_t rows : {1, 3, 0}) {
      const auto sum =
          chunked_sum(in.hidden, in.weight, in.rows, half_square, {.rows = rows, .bias = bias, .softcap = cap});
      EXPECT_NEAR(sum.item<double>(), whole.item<double>(), 1e-10);
      const auto gradients = torch::autograd::grad({sum}, {in.hidden, in.weight, bias});
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(at::allclose(gradients[i], expected[i], 0, 1e-11)) << i;
    }
  }
}

TEST(ChunkedSum, HandsOutEveryChosenRowOnceInEvenChunks) {
  const auto in = inputs();
  std::vector<int64_t> seen, sizes;
  chunked_sum(in.hidden, in.weight, in.rows,
              [&](const at::Tensor& rows, at::Tensor& logits, bool want_gradient) {
                EXPECT_TRUE(want_gradient);
                EXPECT_EQ(logits.size(0), rows.size(0));
                sizes.push_back(rows.size(0));
                for (int64_t i = 0; i < rows.size(0); ++i) seen.push_back(rows[i].item<int64_t>());
                return 0.0;
              },
              {.rows = 4});
  EXPECT_EQ(seen, (std::vector<int64_t>{1, 2, 5, 7, 9}));
  EXPECT_EQ(sizes, (std::vector<int64_t>{3, 2})) << "not 4 and 1";
}

TEST(ChunkedSum, AsksForNoGradientWhereNobodyNeedsOne) {
  const auto in = inputs();
  const at::NoGradGuard no_grad;
  const auto sum = chunked_sum(in.hidden, in.weight, in.rows, [](const at::Tensor&, at::Tensor&, bool want_gradient) {
    EXPECT_FALSE(want_gradient);
    return 2.0;
  });
  EXPECT_EQ(sum.item<double>(), 2);
  EXPECT_FALSE(sum.requires_grad());
}

TEST(ChunkedSum, RefusesShapesThatDoNotFit) {
  const auto in = inputs();
  EXPECT_THROW(chunked_sum(in.hidden, in.weight.narrow(1, 0, 5), in.rows, half_square), Error);
  EXPECT_THROW(chunked_sum(in.hidden.view({-1}), in.weight, in.rows, half_square), Error);
}

}  // namespace
}  // namespace limbeck::objectives
