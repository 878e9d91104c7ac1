#include "objectives/hidden_states.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"
#include "objectives/gradient_check.h"

namespace limbeck::objectives {
namespace {

struct Hidden {
  at::Tensor student, teacher;  // [N,D]
};

Hidden hidden(int64_t tokens, int64_t width, at::ScalarType type = at::kDouble) {
  at::manual_seed(4);
  const auto options = at::TensorOptions().dtype(type);
  return {at::randn({tokens, width}, options).requires_grad_(true), at::randn({tokens, width}, options)};
}

double at_place(const at::Tensor& t, int64_t row, int64_t column) {
  return t[row][column].item<double>();
}

// Of two rows: Σ (s - t)², s·t, ‖s‖, ‖t‖.
struct OfRows {
  double squares = 0, product = 0, student = 0, teacher = 0;
};

OfRows of_rows(const Hidden& h, int64_t row) {
  OfRows r;
  for (int64_t d = 0; d < h.student.size(1); ++d) {
    const double s = at_place(h.student, row, d), t = at_place(h.teacher, row, d);
    r.squares += (s - t) * (s - t), r.product += s * t, r.student += s * s, r.teacher += t * t;
  }
  r.student = std::sqrt(r.student), r.teacher = std::sqrt(r.teacher);
  return r;
}

TEST(HiddenMse, EqualsTheDefinitionInFloat64) {
  for (const auto [tokens, width] : {std::pair{1, 1}, {7, 5}, {3, 33}}) {
    const Hidden h = hidden(tokens, width);
    double expected = 0;
    for (int64_t i = 0; i < tokens; ++i) expected += of_rows(h, i).squares / width;
    const Term term = hidden_mse(h.student, h.teacher);
    EXPECT_NEAR(term.sum.item<double>(), expected, 1e-12 * expected);
    EXPECT_EQ(term.count, tokens);
  }
}

TEST(HiddenMse, DividesAsAPaddedBatchWouldWhenAsked) {
  const Hidden h = hidden(7, 5);
  const Term plain = hidden_mse(h.student, h.teacher), padded = hidden_mse(h.student, h.teacher, PaddedCount{2, 6});
  EXPECT_EQ(padded.count, 12);
  EXPECT_EQ(padded.sum.item<double>(), plain.sum.item<double>());
  EXPECT_NE(message_of([&] {
              hidden_mse(h.student, h.teacher, PaddedCount{1, 6});
            }).find("1 documents x 6"),
            std::string::npos);
}

TEST(HiddenMse, IsNothingWhereStudentAndTeacherAgree) {
  const Hidden h = hidden(4, 6);
  EXPECT_EQ(hidden_mse(h.student, h.student).sum.item<double>(), 0);
}

TEST(CosineDistance, EqualsTheDefinitionInFloat64) {
  const Hidden h = hidden(9, 7);
  double expected = 0;
  for (int64_t i = 0; i < 9; ++i) {
    const OfRows r = of_rows(h, i);
    expected += 1 - r.product / (r.student * r.teacher);
  }
  const Term term = cosine_distance(h.student, h.teacher);
  EXPECT_NEAR(term.sum.item<double>(), expected, 1e-12);
  EXPECT_EQ(term.count, 9);
  EXPECT_NEAR(cosine_distance(h.student, h.student * 3).sum.item<double>(), 0, 1e-12);
}

TEST(CosineDistance, IsOneForAStateWithoutLength) {
  const at::Tensor none = at::zeros({1, 4}).requires_grad_(true), some = at::ones({1, 4});
  const Term term = cosine_distance(none, some);
  EXPECT_EQ(term.sum.item<float>(), 1);
  EXPECT_TRUE(torch::autograd::grad({term.sum}, {none})[0].isfinite().all().item<bool>());
}

TEST(PatientDistance, ComparesNormalisedStatesOfFirstTokens) {
  const Hidden h = hidden(9, 7);
  double expected = 0;
  for (const int64_t first : {0, 4, 5}) {
    const OfRows r = of_rows(h, first);
    expected += 2 - 2 * r.product / (r.student * r.teacher);  // ‖a - b‖² of vectors of length 1
  }
  const Term term = patient_distance(h.student, h.teacher, {0, 4, 5, 9});
  EXPECT_NEAR(term.sum.item<double>(), expected, 1e-12);
  EXPECT_EQ(term.count, 3);
}

TEST(HiddenLosses, HaveTrueGradientsAndLeaveTheTeacherAlone) {
  Hidden h = hidden(5, 4);
  h.teacher.requires_grad_(true);
  const std::vector<std::function<at::Tensor()>> losses = {
      [&] { return hidden_mse(h.student, h.teacher).sum; }, [&] { return cosine_distance(h.student, h.teacher).sum; },
      [&] {
        return patient_distance(h.student, h.teacher, {0, 2, 5}).sum;
      }};
  for (const auto& loss : losses) {
    expect_true_gradient(h.student, loss);
    loss().backward();
    EXPECT_FALSE(h.teacher.grad().defined());
  }
}

TEST(HiddenLosses, AreTheSameWhenABatchIsCut) {
  const Hidden h = hidden(9, 4);
  const auto parts = [&](const auto& loss) {
    return (loss(h.student.narrow(0, 0, 5), h.teacher.narrow(0, 0, 5)) +
            loss(h.student.narrow(0, 5, 4), h.teacher.narrow(0, 5, 4)))
        .template item<double>();
  };
  EXPECT_NEAR(parts([](const auto& s, const auto& t) { return hidden_mse(s, t).sum; }),
              hidden_mse(h.student, h.teacher).sum.item<double>(), 1e-12);
  EXPECT_NEAR(parts([](const auto& s, const auto& t) { return cosine_distance(s, t).sum; }),
              cosine_distance(h.student, h.teacher).sum.item<double>(), 1e-12);
}

TEST(HiddenLosses, AddUpInFp32WhatComesInBf16) {
  const Hidden h = hidden(3, 8, at::kBFloat16);
  for (const Term& term : {hidden_mse(h.student, h.teacher), cosine_distance(h.student, h.teacher),
                           patient_distance(h.student, h.teacher, {0, 3})})
    EXPECT_EQ(term.sum.scalar_type(), at::kFloat);
}

TEST(HiddenLosses, AreNothingWithoutTokens) {
  const at::Tensor none = at::zeros({0, 3});
  EXPECT_EQ(hidden_mse(none, none).sum.item<double>(), 0);
  EXPECT_EQ(cosine_distance(none, none).sum.item<double>(), 0);
  EXPECT_EQ(patient_distance(none, none, {0}).count, 0);
}

TEST(HiddenLosses, AskForAProjectionWhereWidthsDiffer) {
  EXPECT_NE(message_of([] { hidden_mse(at::zeros({2, 3}), at::zeros({2, 4})); }).find("projection"), std::string::npos);
  EXPECT_NE(message_of([] {
              patient_distance(at::zeros({2, 3}), at::zeros({2, 3}), {0, 3});
            }).find("end at 3"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck::objectives
