#include "objectives/partial_distillation.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "base/message_of.h"
#include "objectives/distillation.h"

namespace limbeck::objectives {
namespace {

struct PartialCase {
  at::Tensor hidden, weight, targets, weights;  // [N,D], [V,D], [N], [N]
  PartialTeacher teacher;
  at::Tensor whole_teacher;  // [N,V] log-probabilities, of which `teacher` is a part
};

// Some rows have fewer than k tokens, one has no rest, one has nothing but the rest.
PartialCase partial_case(int64_t n, int64_t d, int64_t v, int64_t k, at::ScalarType type) {
  at::manual_seed(3);
  const auto options = at::TensorOptions().dtype(type);
  PartialCase c{.hidden = at::randn({n, d}, options).requires_grad_(true),
                .weight = (at::randn({v, d}, options) * 0.5).requires_grad_(true),
                .targets = at::randint(v, {n}, at::kLong),
                .weights = at::rand({n}, options) + 0.1};
  c.whole_teacher = at::log_softmax(at::randn({n, v}, options) * 2, 1);
  auto [log_probs, ids] = c.whole_teacher.topk(k, 1);
  ids = ids.clone();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = k - i % 3; j < k; ++j) ids[i][j] = -1;
  if (n > 4) {
    ids[4].fill_(-1);
    c.targets[3] = -100;
    c.weights[2] = 0;
  }
  const at::Tensor named = at::where(ids >= 0, log_probs.exp(), at::zeros_like(log_probs)).sum(1);
  c.teacher = {.ids = ids, .log_probs = log_probs, .rest = (1 - named).clamp_min(0)};
  if (n > 1) c.teacher.rest[1] = 0;
  return c;
}

struct PartialAnswer {
  double loss, divergence, cross_entropy, count;
  at::Tensor for_hidden, for_weight;
};

PartialAnswer chunked_partial(const PartialCase& c, const PartialDistillationOptions& o, const ChunkOptions& chunks) {
  const auto terms = partial_distillation(c.hidden, c.weight, c.targets, c.weights, c.teacher, o, chunks).terms;
  const auto gradients = torch::autograd::grad({terms[0].sum * 1.5}, {c.hidden, c.weight});
  return {terms[0].sum.item<double>(), terms[1].sum.item<double>(), terms[2].sum.item<double>(), terms[0].count,
          gradients[0] / 1.5,          gradients[1] / 1.5};
}

// The definition row by row and token by token, in float64 through LibTorch's autograd.
PartialAnswer partial_by_definition(const PartialCase& c, const PartialDistillationOptions& o) {
  const at::Tensor h = c.hidden.detach().to(at::kDouble).requires_grad_(true),
                   w = c.weight.detach().to(at::kDouble).requires_grad_(true);
  const at::Tensor q = at::softmax(at::mm(h, w.t()), 1), zero = at::zeros({}, at::kDouble);
  at::Tensor divergence = zero, cross_entropy = zero;
  double count = 0;
  for (int64_t i = 0; i < h.size(0); ++i) {
    const double row_weight = c.weights[i].item<double>();
    const auto target = c.targets[i].item<int64_t>();
    if (target < 0 || row_weight == 0) continue;
    count += row_weight;
    cross_entropy = cross_entropy - row_weight * q[i][target].log();
    at::Tensor named = zero;
    for (int64_t j = 0; j < c.teacher.ids.size(1); ++j) {
      const auto id = c.teacher.ids[i][j].item<int64_t>();
      if (id < 0) continue;
      const double log_p = c.teacher.log_probs[i][j].item<double>();
      divergence = divergence + row_weight * std::exp(log_p) * (log_p - q[i][id].log());
      named = named + q[i][id];
    }
    const double rest = c.teacher.rest[i].item<double>();
    if (rest > 0) divergence = divergence + row_weight * rest * (std::log(rest) - (1 - named).log());
  }
  const at::Tensor loss = o.divergence_weight * divergence + o.cross_entropy_weight * cross_entropy;
  const auto gradients = torch::autograd::grad({loss}, {h, w});
  return {loss.item<double>(), divergence.item<double>(), cross_entropy.item<double>(), count, gradients[0],
          gradients[1]};
}

double off_by(const at::Tensor& x, const at::Tensor& expected) {
  return ((x.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
}

const PartialDistillationOptions kBoth{.divergence_weight = 0.7, .cross_entropy_weight = 0.3};

TEST(PartialDistillation, EqualsTheDefinitionInFloat64) {
  for (const int64_t n : {1, 2, 23}) {
    const auto c = partial_case(n, 12, 101, 5, at::kDouble);
    const auto answer = chunked_partial(c, kBoth, {.rows = 7}), expected = partial_by_definition(c, kBoth);
    EXPECT_NEAR(answer.loss, expected.loss, 1e-11 * std::abs(expected.loss));
    EXPECT_NEAR(answer.divergence, expected.divergence, 1e-10);
    EXPECT_NEAR(answer.cross_entropy, expected.cross_entropy, 1e-10);
    EXPECT_NEAR(answer.count, expected.count, 1e-12);
    EXPECT_LT(off_by(answer.for_hidden, expected.for_hidden), 1e-11) << n;
    EXPECT_LT(off_by(answer.for_weight, expected.for_weight), 1e-11) << n;
  }
}

TEST(PartialDistillation, IsWithinThePrecisionOfFp32AndBf16) {
  const auto c = partial_case(40, 24, 3000, 16, at::kFloat);
  const auto expected = partial_by_definition(c, kBoth);
  const auto answer = chunked_partial(c, kBoth, {.rows = 16});
  EXPECT_NEAR(answer.loss, expected.loss, 2e-6 * expected.loss);
  EXPECT_LT(off_by(answer.for_hidden, expected.for_hidden), 3e-6);
  EXPECT_LT(off_by(answer.for_weight, expected.for_weight), 3e-6);
  const auto low = chunked_partial(c, kBoth, {.rows = 16, .precision = Precision::kBf16});
  EXPECT_NEAR(low.loss, expected.loss, 5e-3 * expected.loss);
  EXPECT_LT(off_by(low.for_hidden, expected.for_hidden), 2e-2);
}

TEST(PartialDistillation, TheGradientIsThatOfSmallChanges) {
  const auto c = partial_case(6, 3, 11, 4, at::kDouble);
  const auto answer = chunked_partial(c, kBoth, {});
  const double step = 1e-5;
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t j = 0; j < 3; ++j) {
      const auto loss_at = [&](double change) {
        at::Tensor hidden = c.hidden.detach().clone();
        hidden[i][j] += change;
        return partial_distillation(hidden, c.weight, c.targets, c.weights, c.teacher, kBoth)
            .terms[0]
            .sum.item<double>();
      };
      EXPECT_NEAR((loss_at(step) - loss_at(-step)) / (2 * step), answer.for_hidden[i][j].item<double>(), 1e-8);
    }
}

TEST(PartialDistillation, OfAllTokensIsTheWholeDistillation) {
  auto c = partial_case(9, 8, 40, 40, at::kDouble);
  std::tie(c.teacher.log_probs, c.teacher.ids) = c.whole_teacher.topk(40, 1);
  c.teacher.rest.zero_();
  const auto part = chunked_partial(c, kBoth, {});
  const auto whole = distillation(c.hidden, c.weight, c.targets, c.weights,
                                  [&](const at::Tensor& rows) { return c.whole_teacher.index_select(0, rows); },
                                  {.divergence_weight = 0.7, .cross_entropy_weight = 0.3});
  EXPECT_NEAR(part.loss, whole.terms[0].sum.item<double>(), 1e-10);
  const auto gradients = torch::autograd::grad({whole.terms[0].sum}, {c.hidden, c.weight});
  EXPECT_LT(off_by(part.for_hidden, gradients[0]), 1e-10);
  EXPECT_LT(off_by(part.for_weight, gradients[1]), 1e-10);
}

TEST(PartialDistillation, IsAtMostTheWholeDivergenceAndGrowsWithK) {
  double before = -1;
  for (const int64_t k : {1, 4, 16, 64}) {
    auto c = partial_case(9, 8, 64, k, at::kDouble);
    std::tie(c.teacher.log_probs, c.teacher.ids) = c.whole_teacher.topk(k, 1);
    c.teacher.rest = k == 64 ? at::zeros({9}, at::kDouble) : 1 - c.teacher.log_probs.exp().sum(1);
    const double divergence = chunked_partial(c, {}, {}).divergence;
    EXPECT_GT(divergence, before) << k;
    before = divergence;
  }
}

TEST(PartialDistillation, DoesNotDependOnTheChunks) {
  const auto c = partial_case(23, 12, 101, 5, at::kDouble);
  const auto one = chunked_partial(c, kBoth, {.rows = 1}), all = chunked_partial(c, kBoth, {.rows = 100});
  EXPECT_NEAR(one.loss, all.loss, 1e-11);
  EXPECT_LT(off_by(one.for_weight, all.for_weight), 1e-12);
}

TEST(PartialDistillation, WithoutRowsIsZero) {
  auto c = partial_case(3, 4, 10, 2, at::kFloat);
  c.targets.fill_(-100);
  const auto terms = partial_distillation(c.hidden, c.weight, c.targets, c.weights, c.teacher, {}).terms;
  EXPECT_EQ(terms[0].sum.item<double>(), 0);
  EXPECT_EQ(terms[0].count, 0);
}

TEST(PartialDistillation, RefusesShapesAndTokensThatDoNotFit) {
  auto c = partial_case(3, 4, 10, 2, at::kFloat);
  const auto run = [&] { partial_distillation(c.hidden, c.weight, c.targets, c.weights, c.teacher, {}); };
  c.teacher.ids[0][0] = 10;
  EXPECT_THAT(message_of(run), ::testing::HasSubstr("expected tokens below 10"));
  c.teacher.rest = at::zeros({2});
  EXPECT_THAT(message_of(run), ::testing::HasSubstr("rest [3]"));
}

}  // namespace
}  // namespace limbeck::objectives
