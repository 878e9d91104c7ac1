#include "objectives/class_distillation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/message_of.h"
#include "objectives/gradient_check.h"

namespace limbeck::objectives {
namespace {

using Rows = std::vector<std::vector<double>>;

Rows rows_of(const at::Tensor& t) {
  const at::Tensor wide = t.detach().to(at::kDouble).contiguous();
  Rows rows;
  for (int64_t i = 0; i < wide.size(0); ++i) {
    const double* row = wide.const_data_ptr<double>() + i * wide.size(1);
    rows.emplace_back(row, row + wide.size(1));
  }
  return rows;
}

std::vector<double> softmax_by_hand(const std::vector<double>& row, double temperature) {
  std::vector<double> p;
  double sum = 0;
  for (const double x : row) p.push_back(std::exp(x / temperature)), sum += p.back();
  for (double& x : p) x /= sum;
  return p;
}

// Σ over rows and classes of f(p of the teacher, q of the student).
template <class F>
double by_hand(const at::Tensor& student, const at::Tensor& teacher, double temperature, const F& f) {
  const Rows s = rows_of(student), t = rows_of(teacher);
  double sum = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const auto q = softmax_by_hand(s[i], temperature), p = softmax_by_hand(t[i], temperature);
    for (std::size_t c = 0; c < q.size(); ++c) sum += f(p[c], q[c]);
  }
  return sum;
}

struct Logits {
  at::Tensor student, teacher;
};

Logits logits(int64_t rows, int64_t classes, at::ScalarType type = at::kDouble) {
  at::manual_seed(3);
  const auto options = at::TensorOptions().dtype(type);
  return {(at::randn({rows, classes}, options) * 2).requires_grad_(true), at::randn({rows, classes}, options) * 2};
}

TEST(SoftCrossEntropy, EqualsTheDefinitionInFloat64) {
  for (const auto [rows, classes] : {std::pair{1, 2}, {7, 3}, {5, 151}})
    for (const double t : {1.0, 2.5}) {
      const auto [student, teacher] = logits(rows, classes);
      const double expected = t * t * by_hand(student, teacher, t, [](double p, double q) { return -p * std::log(q); });
      const Term term = soft_cross_entropy(student, teacher, {.temperature = t});
      EXPECT_NEAR(term.sum.item<double>(), expected, 1e-10 * expected);
      EXPECT_EQ(term.count, rows);
    }
}

TEST(SoftCrossEntropy, EqualsCrossEntropyWhenTheTeacherIsCertain) {
  const auto [student, _] = logits(4, 3);
  const at::Tensor labels = at::tensor(std::vector<int64_t>{0, 2, 1, 2}, at::kLong);
  const at::Tensor certain = at::zeros({4, 3}, at::kDouble).scatter_(1, labels.unsqueeze(1), 1000);
  const double expected = at::nll_loss(at::log_softmax(student, 1), labels, {}, at::Reduction::Sum).item<double>();
  EXPECT_NEAR(soft_cross_entropy(student, certain).sum.item<double>(), expected, 1e-10);
}

TEST(SoftCrossEntropy, OfTinyBertIsTheMeanOverRowsAndClassesWithoutTSquared) {
  const auto [student, teacher] = logits(5, 4);
  const Term term =
      soft_cross_entropy(student, teacher, {.temperature = 2, .temperature_squared = false, .per_row = PerRow::kMean});
  // mean_{b,c} softmax(z_T/t) * log_softmax(z_S/t), as the official code has it
  const double expected =
      -(at::softmax(teacher / 2, 1) * at::log_softmax(student.detach() / 2, 1)).mean().item<double>();
  EXPECT_NEAR(term.sum.item<double>() / term.count, expected, 1e-12);
}

TEST(SoftCrossEntropy, LeadsFarLogitsToFiniteSums) {
  const at::Tensor student = at::tensor({200.0f, -200.0f}).view({1, 2}),
                   teacher = at::tensor({-200.0f, 200.0f}).view({1, 2});
  EXPECT_FLOAT_EQ(soft_cross_entropy(student, teacher).sum.item<float>(), 400);
}

TEST(ClassDivergence, EqualsTheDefinitionsInFloat64) {
  constexpr double kBeta = 0.3;
  const auto forward = [](double p, double q) { return p * std::log(p / q); };
  const auto reverse = [](double p, double q) { return q * std::log(q / p); };
  const auto jensen = [](double p, double q) {
    const double m = kBeta * p + (1 - kBeta) * q;
    return kBeta * p * std::log(p / m) + (1 - kBeta) * q * std::log(q / m);
  };
  const auto [student, teacher] = logits(6, 5);
  for (const double t : {1.0, 4.0}) {
    const ClassDistillationOptions options{.temperature = t, .temperature_squared = false, .beta = kBeta};
    const auto value = [&](Divergence d) { return class_divergence(student, teacher, d, options).sum.item<double>(); };
    EXPECT_NEAR(value(Divergence::kForwardKl), by_hand(student, teacher, t, forward), 1e-11);
    EXPECT_NEAR(value(Divergence::kReverseKl), by_hand(student, teacher, t, reverse), 1e-11);
    EXPECT_NEAR(value(Divergence::kJensenShannon), by_hand(student, teacher, t, jensen), 1e-11);
  }
}

TEST(ClassDivergence, IsNothingWhereStudentAndTeacherAgree) {
  const auto [student, _] = logits(3, 4);
  for (const auto d : {Divergence::kForwardKl, Divergence::kReverseKl, Divergence::kJensenShannon})
    EXPECT_NEAR(class_divergence(student, student + 7, d).sum.item<double>(), 0, 1e-13);
}

TEST(ClassDivergence, IsFiniteWhereProbabilitiesUnderflow) {
  const at::Tensor student = at::tensor({300.0f, -300.0f, -301.0f}).view({1, 3}).requires_grad_(true);
  const at::Tensor teacher = at::tensor({300.0f, -301.0f, -300.0f}).view({1, 3});
  for (const auto d : {Divergence::kForwardKl, Divergence::kReverseKl, Divergence::kJensenShannon}) {
    const at::Tensor sum = class_divergence(student, teacher, d).sum;
    EXPECT_TRUE(std::isfinite(sum.item<double>()));
    EXPECT_TRUE(torch::autograd::grad({sum}, {student})[0].isfinite().all().item<bool>());
  }
}

TEST(ClassDivergence, WithTSquaredKeepsTheGradientsSizeAcrossTemperatures) {
  const auto [student, teacher] = logits(8, 6);
  const auto gradient = [&](double t) {
    const Term term = class_divergence(student, teacher, Divergence::kForwardKl, {.temperature = t});
    return torch::autograd::grad({term.sum}, {student})[0].norm().item<double>();
  };
  // As T grows the gradient nears (z_S - z_T) / C, both centred (Hinton, eq. 4): it no longer depends on T.
  EXPECT_NEAR(gradient(1000) / gradient(100), 1, 0.01);
}

TEST(LogitMse, IsTheSumOrTheMeanOverClasses) {
  const at::Tensor student = at::tensor({1.0, 2.0, 3.0, 4.0}, at::kDouble).view({2, 2});
  const at::Tensor teacher = at::tensor({0.0, 0.0, 3.0, 1.0}, at::kDouble).view({2, 2});
  EXPECT_DOUBLE_EQ(logit_mse(student, teacher, PerRow::kSum).sum.item<double>(), 1 + 4 + 0 + 9);
  EXPECT_DOUBLE_EQ(logit_mse(student, teacher).sum.item<double>(), 7);
  EXPECT_EQ(logit_mse(student, teacher).count, 2);
}

TEST(ClassLosses, HaveTrueGradientsAndLeaveTheTeacherAlone) {
  auto [student, teacher] = logits(3, 4);
  teacher.requires_grad_(true);
  const std::vector<std::function<at::Tensor()>> losses = {
      [&] { return soft_cross_entropy(student, teacher, {.temperature = 2}).sum; },
      [&] { return class_divergence(student, teacher, Divergence::kForwardKl, {.temperature = 3}).sum; },
      [&] { return class_divergence(student, teacher, Divergence::kReverseKl).sum; },
      [&] { return class_divergence(student, teacher, Divergence::kJensenShannon, {.beta = 0.2}).sum; },
      [&] { return logit_mse(student, teacher).sum; }};
  for (const auto& loss : losses) {
    expect_true_gradient(student, loss);
    loss().backward();
    EXPECT_FALSE(teacher.grad().defined());
  }
}

TEST(ClassLosses, AreTheSameWhenABatchIsCut) {
  const auto [student, teacher] = logits(9, 3);
  for (const auto d : {Divergence::kForwardKl, Divergence::kReverseKl, Divergence::kJensenShannon}) {
    const Term whole = class_divergence(student, teacher, d);
    const Term first = class_divergence(student.narrow(0, 0, 4), teacher.narrow(0, 0, 4), d);
    const Term second = class_divergence(student.narrow(0, 4, 5), teacher.narrow(0, 4, 5), d);
    EXPECT_NEAR((first.sum + second.sum).item<double>(), whole.sum.item<double>(), 1e-12);
    EXPECT_EQ(first.count + second.count, whole.count);
  }
}

TEST(ClassLosses, AreNothingWithoutRows) {
  const at::Tensor none = at::zeros({0, 3});
  EXPECT_EQ(soft_cross_entropy(none, none).sum.item<double>(), 0);
  EXPECT_EQ(logit_mse(none, none).count, 0);
}

TEST(ClassLosses, AddUpInFp32WhatComesInBf16) {
  const auto [student, teacher] = logits(4, 3, at::kBFloat16);
  EXPECT_EQ(soft_cross_entropy(student, teacher).sum.scalar_type(), at::kFloat);
}

TEST(ClassLosses, NameWhatDoesNotFit) {
  const at::Tensor two = at::zeros({4, 2}), three = at::zeros({4, 3});
  EXPECT_NE(message_of([&] { soft_cross_entropy(two, three); }).find("4x2 and 4x3"), std::string::npos);
  EXPECT_NE(message_of([&] { soft_cross_entropy(two, two, {.temperature = 0}); }).find("temperature"),
            std::string::npos);
  EXPECT_NE(message_of([&] { class_divergence(two, two, Divergence::kJensenShannon, {.beta = 1}); }).find("beta"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck::objectives
