#include "objectives/cross_entropy.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "base/errors.h"

namespace limbeck::objectives {
namespace {

struct Problem {
  at::Tensor hidden, weight, targets, weights;  // [N,D], [V,D], [N], [N]
};

Problem problem(int64_t n, int64_t d, int64_t v, at::ScalarType type) {
  at::manual_seed(3);
  const auto options = at::TensorOptions().dtype(type);
  Problem p{.hidden = at::randn({n, d}, options),
            .weight = at::randn({v, d}, options) * 0.5,
            .targets = at::randint(v, {n}, at::kLong),
            .weights = at::rand({n}, options)};
  p.hidden.requires_grad_(true);
  p.weight = p.weight.detach().requires_grad_(true);
  p.targets.index_put_({at::arange(0, n, 3)}, at::scalar_tensor(-100, at::kLong));
  p.weights.index_put_({at::scalar_tensor(1, at::kLong)}, at::scalar_tensor(0, options));
  return p;
}

struct Answer {
  double sum, count;
  at::Tensor for_hidden, for_weight;
};

Answer chunked(const Problem& p, const ChunkOptions& options, double outer = 1) {
  const auto term = cross_entropy(p.hidden, p.weight, p.targets, p.weights, options);
  const auto gradients = torch::autograd::grad({term.sum * outer}, {p.hidden, p.weight});
  return {term.sum.item<double>(), term.count, gradients[0], gradients[1]};
}

// The definition, in float64 through LibTorch's own log_softmax and autograd.
Answer by_definition(const Problem& p) {
  const auto h = p.hidden.detach().to(at::kDouble).requires_grad_(true);
  const auto w = p.weight.detach().to(at::kDouble).requires_grad_(true);
  const auto rows = at::nonzero((p.targets >= 0) & (p.weights != 0)).squeeze(1);
  const auto log_probs = at::log_softmax(at::mm(h.index_select(0, rows), w.t()), 1);
  const auto picked = log_probs.gather(1, p.targets.index_select(0, rows).unsqueeze(1)).squeeze(1);
  const auto weights = p.weights.index_select(0, rows).to(at::kDouble);
  const auto sum = -(picked * weights).sum();
  const auto gradients = torch::autograd::grad({sum}, {h, w});
  return {sum.item<double>(), weights.sum().item<double>(), gradients[0], gradients[1]};
}

double relative_error(const at::Tensor& x, const at::Tensor& expected) {
  return ((x.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
}

TEST(CrossEntropy, EqualsTheDefinitionInFloat64) {
  const auto p = problem(40, 24, 1000, at::kDouble);
  const auto answer = chunked(p, {.rows = 7}), expected = by_definition(p);
  EXPECT_NEAR(answer.sum, expected.sum, 1e-10 * expected.sum);
  EXPECT_NEAR(answer.count, expected.count, 1e-12);
  EXPECT_LT(relative_error(answer.for_hidden, expected.for_hidden), 1e-12);
  EXPECT_LT(relative_error(answer.for_weight, expected.for_weight), 1e-12);
}

TEST(CrossEntropy, EqualsFloat64WithinOneMillionthInFp32) {
  const auto p = problem(40, 24, 5000, at::kFloat);
  const auto answer = chunked(p, {.rows = 16}), expected = by_definition(p);
  EXPECT_NEAR(answer.sum, expected.sum, 1e-6 * expected.sum);
  EXPECT_LT(relative_error(answer.for_hidden, expected.for_hidden), 2e-6);
  EXPECT_LT(relative_error(answer.for_weight, expected.for_weight), 2e-6);
}

TEST(CrossEntropy, IsWithinThePrecisionOfBf16WithFp32Gradients) {
  const auto p = problem(64, 32, 3000, at::kFloat);
  const auto answer = chunked(p, {.rows = 16, .precision = Precision::kBf16}), expected = by_definition(p);
  EXPECT_NEAR(answer.sum, expected.sum, 2e-3 * expected.sum);
  EXPECT_LT(relative_error(answer.for_hidden, expected.for_hidden), 1e-2);
  EXPECT_LT(relative_error(answer.for_weight, expected.for_weight), 1e-2);
  EXPECT_EQ(answer.for_weight.scalar_type(), at::kFloat);
  const at::Tensor low = p.weight.detach().to(at::kBFloat16);
  const auto with_copy = chunked(p, {.rows = 16, .precision = Precision::kBf16, .low_weight = low});
  EXPECT_TRUE(with_copy.for_weight.equal(answer.for_weight)) << "a caller's bf16 copy changes nothing";
}

TEST(CrossEntropy, GradientsEqualFiniteDifferences) {
  auto p = problem(6, 4, 11, at::kDouble);
  const auto answer = chunked(p, {.rows = 2});
  const double step = 1e-6;
  const auto check = [&](at::Tensor& input, const at::Tensor& gradient) {
    at::NoGradGuard no_grad;
    double* values = input.data_ptr<double>();
    for (int64_t i = 0; i < input.numel(); ++i) {
      const double before = values[i];
      values[i] = before + step;
      const double above = cross_entropy(p.hidden, p.weight, p.targets, p.weights).sum.item<double>();
      values[i] = before - step;
      const double below = cross_entropy(p.hidden, p.weight, p.targets, p.weights).sum.item<double>();
      values[i] = before;
      ASSERT_NEAR(gradient.view({-1})[i].item<double>(), (above - below) / (2 * step), 1e-7) << i;
    }
  };
  check(p.hidden, answer.for_hidden);
  check(p.weight, answer.for_weight);
}

TEST(CrossEntropy, DoesNotDependOnTheChunkSize) {
  for (auto type : {at::kDouble, at::kFloat}) {
    const auto p = problem(50, 16, 700, type);
    const double tolerance = type == at::kDouble ? 1e-13 : 1e-6;
    const auto whole = chunked(p, {.rows = 1000});
    for (int64_t rows : {1, 2, 3, 7, 32, 0}) {
      const auto answer = chunked(p, {.rows = rows});
      EXPECT_NEAR(answer.sum, whole.sum, tolerance * whole.sum) << rows;
      EXPECT_LT(relative_error(answer.for_hidden, whole.for_hidden.to(at::kDouble)), tolerance) << rows;
      EXPECT_LT(relative_error(answer.for_weight, whole.for_weight.to(at::kDouble)), tolerance) << rows;
    }
  }
}

TEST(CrossEntropy, DoesNotReadRowsWithoutATarget) {
  auto p = problem(9, 4, 20, at::kFloat);
  {
    at::NoGradGuard no_grad;
    p.hidden.select(0, 3).fill_(NAN);  // target -100
    p.hidden.select(0, 1).fill_(NAN);  // weight 0
  }
  const auto answer = chunked(p, {});
  EXPECT_TRUE(std::isfinite(answer.sum));
  EXPECT_TRUE(answer.for_weight.isfinite().all().item<bool>());
  EXPECT_EQ(answer.for_hidden.select(0, 3).abs().sum().item<double>(), 0);
  EXPECT_EQ(answer.for_hidden.select(0, 1).abs().sum().item<double>(), 0);
}

TEST(CrossEntropy, IsZeroWithoutGradientWhenNoRowHasATarget) {
  auto p = problem(5, 4, 20, at::kFloat);
  const auto term = cross_entropy(p.hidden, p.weight, at::full({5}, -100, at::kLong), p.weights);
  EXPECT_EQ(term.sum.item<double>(), 0);
  EXPECT_EQ(term.count, 0);
  EXPECT_FALSE(term.sum.requires_grad());
}

TEST(CrossEntropy, ScalesItsGradientsWithWhatFollows) {
  const auto p = problem(12, 8, 40, at::kFloat);
  const auto once = chunked(p, {.rows = 5}), thrice = chunked(p, {.rows = 5}, 3);
  EXPECT_LT(relative_error(thrice.for_weight, once.for_weight.to(at::kDouble) * 3), 1e-7);
  EXPECT_LT(relative_error(thrice.for_hidden, once.for_hidden.to(at::kDouble) * 3), 1e-7);
}

TEST(CrossEntropy, GivesTheSameBytesTwice) {
  const auto p = problem(64, 32, 3000, at::kFloat);
  for (auto precision : {Precision::kFp32, Precision::kBf16}) {
    const auto first = chunked(p, {.rows = 16, .precision = precision});
    const auto second = chunked(p, {.rows = 16, .precision = precision});
    EXPECT_EQ(first.sum, second.sum);
    EXPECT_TRUE(first.for_weight.equal(second.for_weight));
    EXPECT_TRUE(first.for_hidden.equal(second.for_hidden));
  }
}

TEST(CrossEntropy, WorksWhereOnlyOneSideIsTrained) {
  auto p = problem(12, 8, 40, at::kFloat);
  const auto both = chunked(p, {});
  p.weight = p.weight.detach();
  const auto term = cross_entropy(p.hidden, p.weight, p.targets, p.weights);
  EXPECT_TRUE(torch::autograd::grad({term.sum}, {p.hidden})[0].equal(both.for_hidden));
  at::NoGradGuard no_grad;
  EXPECT_NEAR(cross_entropy(p.hidden, p.weight, p.targets, p.weights).sum.item<double>(), both.sum, 1e-6 * both.sum);
}

TEST(CrossEntropy, RefusesATargetOutsideTheVocabularyAndShapesThatDoNotFit) {
  auto p = problem(5, 4, 20, at::kFloat);
  p.targets[2] = 20;
  EXPECT_THROW(cross_entropy(p.hidden, p.weight, p.targets, p.weights), Error);
  EXPECT_THROW(cross_entropy(p.hidden, p.weight, p.targets.narrow(0, 0, 4), p.weights), Error);
  EXPECT_THROW(cross_entropy(p.hidden, p.weight.narrow(1, 0, 3), p.targets, p.weights), Error);
}

}  // namespace
}  // namespace limbeck::objectives
