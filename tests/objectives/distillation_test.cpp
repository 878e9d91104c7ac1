#include "objectives/distillation.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "base/errors.h"

namespace limbeck::objectives {
namespace {

struct Lesson {
  at::Tensor hidden, weight, teacher_hidden, teacher_weight, targets, weights;
};

// A teacher of another width; every third row has no target, row 1 no weight.
Lesson lesson(int64_t n, int64_t v, int64_t teacher_v, at::ScalarType type) {
  at::manual_seed(5);
  const auto options = at::TensorOptions().dtype(type);
  Lesson l{.hidden = at::randn({n, 12}, options).requires_grad_(true),
           .weight = (at::randn({v, 12}, options) * 0.5).requires_grad_(true),
           .teacher_hidden = at::randn({n, 20}, options),
           .teacher_weight = at::randn({teacher_v, 20}, options) * 0.5,
           .targets = at::randint(v, {n}, at::kLong),
           .weights = at::rand({n}, options)};
  l.targets.index_put_({at::arange(0, n, 3)}, at::scalar_tensor(-100, at::kLong));
  if (n > 1) l.weights[1] = 0;
  return l;
}

struct Learned {
  double sum, divergence, cross_entropy, count;
  at::Tensor for_hidden, for_weight;
};

Learned learned(const Lesson& l, const DistillationOptions& options, const ChunkOptions& chunks = {}) {
  const auto loss = distillation(l.hidden, l.weight, l.targets, l.weights,
                                 teacher_logits(l.teacher_hidden, l.teacher_weight), options, chunks);
  const auto gradients = torch::autograd::grad({loss.terms[0].sum}, {l.hidden, l.weight});
  return {loss.terms[0].sum.item<double>(),
          loss.terms[1].sum.item<double>(),
          loss.terms[2].sum.item<double>(),
          loss.terms[0].count,
          gradients[0],
          gradients[1]};
}

// The definitions in float64 through LibTorch's own softmax and autograd.
Learned defined(const Lesson& l, const DistillationOptions& o) {
  const auto h = l.hidden.detach().to(at::kDouble).requires_grad_(true);
  const auto w = l.weight.detach().to(at::kDouble).requires_grad_(true);
  const auto rows = at::nonzero((l.targets >= 0) & (l.weights != 0)).squeeze(1);
  const auto shared = std::min(l.weight.size(0), l.teacher_weight.size(0));
  const auto logits = at::mm(h.index_select(0, rows), w.t());
  const auto teacher =
      at::mm(l.teacher_hidden.to(at::kDouble).index_select(0, rows), l.teacher_weight.to(at::kDouble).t())
          .narrow(1, 0, shared);
  const auto log_q = at::log_softmax(logits.narrow(1, 0, shared) / o.temperature, 1);
  const auto log_p = at::log_softmax(teacher / o.temperature, 1);
  const auto p = log_p.exp(), q = log_q.exp(), log_m = (o.beta * p + (1 - o.beta) * q).log();
  at::Tensor each;
  if (o.divergence == Divergence::kForwardKl) each = (p * (log_p - log_q)).sum(1);
  if (o.divergence == Divergence::kReverseKl) each = (q * (log_q - log_p)).sum(1);
  if (o.divergence == Divergence::kJensenShannon)
    each = (o.beta * p * (log_p - log_m) + (1 - o.beta) * q * (log_q - log_m)).sum(1);
  const auto weights = l.weights.index_select(0, rows).to(at::kDouble);
  const auto divergence = (each * weights).sum();
  const auto picked = at::log_softmax(logits, 1).gather(1, l.targets.index_select(0, rows).unsqueeze(1)).squeeze(1);
  const auto cross_entropy = -(picked * weights).sum();
  const auto sum = o.divergence_weight * divergence + o.cross_entropy_weight * cross_entropy;
  const auto gradients = torch::autograd::grad({sum}, {h, w});
  return {sum.item<double>(),
          divergence.item<double>(),
          cross_entropy.item<double>(),
          weights.sum().item<double>(),
          gradients[0],
          gradients[1]};
}

double error_of(const at::Tensor& x, const at::Tensor& expected) {
  return ((x.to(at::kDouble) - expected).norm() / expected.norm()).item<double>();
}

void expect_close(const Learned& a, const Learned& b, double tolerance, const std::string& what) {
  EXPECT_NEAR(a.sum, b.sum, tolerance * (1 + std::abs(b.sum))) << what;
  EXPECT_NEAR(a.divergence, b.divergence, tolerance * (1 + b.divergence)) << what;
  EXPECT_NEAR(a.cross_entropy, b.cross_entropy, tolerance * (1 + b.cross_entropy)) << what;
  EXPECT_NEAR(a.count, b.count, 1e-6) << what;
  EXPECT_LT(error_of(a.for_hidden, b.for_hidden.to(at::kDouble)), tolerance) << what;
  EXPECT_LT(error_of(a.for_weight, b.for_weight.to(at::kDouble)), tolerance) << what;
}

const std::vector<DistillationOptions> kLessons = {
    {},
    {.temperature = 3, .divergence_weight = 9, .cross_entropy_weight = 0.5},
    {.divergence = Divergence::kReverseKl, .temperature = 0.8},
    {.divergence = Divergence::kReverseKl, .divergence_weight = 0.2, .cross_entropy_weight = 1},
    {.divergence = Divergence::kJensenShannon, .beta = 0.1, .cross_entropy_weight = 0.1},
    {.divergence = Divergence::kJensenShannon, .temperature = 2, .beta = 0.7},
};

TEST(DistillationLoss, EqualsTheDefinitionInFloat64) {
  for (const auto& options : kLessons)
    for (const int64_t teacher_v : {90, 71, 101}) {
      const auto l = lesson(40, 90, teacher_v, at::kDouble);
      expect_close(learned(l, options, {.rows = 7}), defined(l, options), 1e-11, std::to_string(teacher_v));
    }
}

TEST(DistillationLoss, EqualsFloat64WithinAFewMillionthsInFp32) {
  for (const auto& options : kLessons)
    for (const int64_t teacher_v : {3000, 2999, 3200}) {
      const auto l = lesson(50, 3000, teacher_v, at::kFloat);
      expect_close(learned(l, options, {.rows = 16}), defined(l, options), 5e-6, std::to_string(teacher_v));
    }
}

TEST(DistillationLoss, IsWithinThePrecisionOfBf16) {
  for (const auto& options : kLessons) {
    const auto l = lesson(64, 2000, 2000, at::kFloat);
    const auto low = learned(l, options, {.rows = 16, .precision = Precision::kBf16});
    expect_close(low, defined(l, options), 1.5e-2, "bf16");
    EXPECT_EQ(low.for_weight.scalar_type(), at::kFloat);
  }
}

TEST(DistillationLoss, GradientsEqualFiniteDifferences) {
  for (const auto& options : kLessons) {
    auto l = lesson(5, 9, 8, at::kDouble);
    const auto answer = learned(l, options, {.rows = 2});
    const auto value = [&] {
      return distillation(l.hidden, l.weight, l.targets, l.weights, teacher_logits(l.teacher_hidden, l.teacher_weight),
                          options)
          .terms[0]
          .sum.item<double>();
    };
    const auto check = [&](at::Tensor& input, const at::Tensor& gradient) {
      at::NoGradGuard no_grad;
      double* values = input.data_ptr<double>();
      for (int64_t i = 0; i < input.numel(); ++i) {
        const double before = values[i], step = 1e-6;
        values[i] = before + step;
        const double above = value();
        values[i] = before - step;
        const double below = value();
        values[i] = before;
        ASSERT_NEAR(gradient.view({-1})[i].item<double>(), (above - below) / (2 * step), 1e-7) << i;
      }
    };
    check(l.hidden, answer.for_hidden);
    check(l.weight, answer.for_weight);
  }
}

TEST(DistillationLoss, DoesNotDependOnTheChunkSize) {
  const auto l = lesson(50, 700, 700, at::kFloat);
  const auto whole = learned(l, kLessons[1], {.rows = 1000});
  for (const int64_t rows : {1, 2, 3, 7, 32, 0})
    expect_close(learned(l, kLessons[1], {.rows = rows}), whole, 1e-6, std::to_string(rows));
}

TEST(DistillationLoss, HasTheSameBytesOnAnyNumberOfThreads) {
  const auto l = lesson(64, 3000, 3000, at::kFloat);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = learned(l, kLessons[1], {.rows = 16});
  at::set_num_threads(3);
  const auto three = learned(l, kLessons[1], {.rows = 16});
  at::set_num_threads(before);
  EXPECT_EQ(one.sum, three.sum);
  EXPECT_EQ(one.divergence, three.divergence);
}

TEST(DistillationLoss, IsZeroWithoutGradientAtTheTeacherItself) {
  auto l = lesson(20, 50, 50, at::kFloat);
  l.teacher_hidden = l.hidden.detach();
  l.teacher_weight = l.weight.detach();
  for (const auto divergence : {Divergence::kForwardKl, Divergence::kReverseKl, Divergence::kJensenShannon}) {
    const auto at_teacher = learned(l, {.divergence = divergence, .temperature = 2});
    EXPECT_NEAR(at_teacher.sum, 0, 1e-5);
    EXPECT_LT(at_teacher.for_hidden.abs().max().item<double>(), 1e-6);
  }
}

TEST(DistillationLoss, AsksTheTeacherForTheRowsWithATargetOnlyAndWithoutGradients) {
  const auto l = lesson(12, 30, 30, at::kFloat);
  std::vector<int64_t> asked;
  const auto logits = teacher_logits(l.teacher_hidden, l.teacher_weight);
  const auto loss = distillation(l.hidden, l.weight, l.targets, l.weights,
                                 [&](const at::Tensor& rows) {
                                   EXPECT_FALSE(at::GradMode::is_enabled());
                                   for (int64_t i = 0; i < rows.size(0); ++i) asked.push_back(rows[i].item<int64_t>());
                                   return logits(rows);
                                 },
                                 {}, {.rows = 3});
  EXPECT_EQ(asked, (std::vector<int64_t>{2, 4, 5, 7, 8, 10, 11})) << "not 0, 3, 6, 9 (no target) and 1 (no weight)";
  EXPECT_TRUE(loss.terms[0].sum.requires_grad());
  EXPECT_EQ(loss.terms[1].weight, 0) << "the parts are for the log";
}

TEST(DistillationLoss, IsZeroWhereNoRowHasATarget) {
  const auto l = lesson(4, 30, 30, at::kFloat);
  const auto loss = distillation(l.hidden, l.weight, at::full({4}, -100, at::kLong), l.weights,
                                 [](const at::Tensor&) -> at::Tensor { throw Error("the teacher was asked"); }, {});
  EXPECT_EQ(loss.terms[0].sum.item<double>(), 0);
  EXPECT_EQ(loss.terms[0].count, 0);
}

TEST(DistillationLoss, RefusesWhatDoesNotFit) {
  auto l = lesson(5, 20, 20, at::kFloat);
  const auto teacher = teacher_logits(l.teacher_hidden, l.teacher_weight);
  EXPECT_THROW(distillation(l.hidden, l.weight, l.targets.narrow(0, 0, 4), l.weights, teacher, {}), Error);
  EXPECT_THROW(distillation(l.hidden, l.weight, l.targets, l.weights, teacher, {.temperature = 0}), Error);
  EXPECT_THROW(distillation(l.hidden, l.weight, l.targets, l.weights, teacher,
                            {.divergence = Divergence::kJensenShannon, .beta = 1}),
               Error);
  EXPECT_THROW(distillation(l.hidden, l.weight, l.targets, l.weights,
                            [](const at::Tensor&) {
                              return at::zeros({1, 20});
                            },
                            {}),
               Error);
  l.targets[2] = 20;
  EXPECT_THROW(distillation(l.hidden, l.weight, l.targets, l.weights, teacher, {}), Error);
}

}  // namespace
}  // namespace limbeck::objectives
