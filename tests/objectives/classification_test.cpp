#include "objectives/classification.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/errors.h"
#include "base/seeds.h"

namespace limbeck::objectives {
namespace {

at::Tensor normal(at::IntArrayRef sizes, uint64_t seed) {
  Random random{Seed(seed)};
  const at::Tensor values = at::empty(sizes, at::kDouble);
  double* at = values.mutable_data_ptr<double>();
  for (int64_t i = 0; i < values.numel(); ++i) at[i] = 2 * random.normal();
  return values;
}

// -Σ_c q(c) log softmax(x)[c] by its definition.
double cross_entropy_by_hand(const std::vector<double>& x, int64_t label, double smoothing) {
  double total = 0, loss = 0;
  for (const double v : x) total += std::exp(v);
  const auto classes = static_cast<double>(x.size());
  for (std::size_t c = 0; c < x.size(); ++c) {
    const double q = (static_cast<int64_t>(c) == label ? 1 - smoothing : 0) + smoothing / classes;
    loss -= q * (x[c] - std::log(total));
  }
  return loss;
}

std::vector<double> row_of(const at::Tensor& values, int64_t row) {
  const at::Tensor ours = values[row].contiguous();
  return {ours.const_data_ptr<double>(), ours.const_data_ptr<double>() + ours.numel()};
}

// d sum / d input against central differences.
void expect_gradient(const at::Tensor& input, const std::function<at::Tensor(const at::Tensor&)>& loss) {
  const at::Tensor x = input.clone().requires_grad_(true);
  loss(x).backward();
  const at::Tensor gradient = x.grad().contiguous().reshape({-1});
  constexpr double kStep = 1e-5;
  for (int64_t i = 0; i < input.numel(); ++i) {
    at::Tensor up = input.clone(), down = input.clone();
    up.reshape({-1})[i] += kStep, down.reshape({-1})[i] -= kStep;
    const double slope = (loss(up) - loss(down)).item<double>() / (2 * kStep);
    EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-7) << i;
  }
}

TEST(ClassCrossEntropy, IsWhatTheDefinitionGivesOnOddSizesWithAndWithoutSmoothing) {
  for (const int64_t classes : {1, 2, 7, 150})
    for (const double smoothing : {0.0, 0.1}) {
      const at::Tensor logits = normal({5, classes}, 3);
      const at::Tensor labels =
          at::tensor({classes - 1, int64_t{-100}, int64_t{0}, classes / 2, int64_t{-100}}, at::kLong);
      const Term term = class_cross_entropy(logits, labels, {.smoothing = smoothing});
      const double expected = cross_entropy_by_hand(row_of(logits, 0), classes - 1, smoothing) +
                              cross_entropy_by_hand(row_of(logits, 2), 0, smoothing) +
                              cross_entropy_by_hand(row_of(logits, 3), classes / 2, smoothing);
      EXPECT_NEAR(term.sum.item<double>(), expected, 1e-11);
      EXPECT_EQ(term.count, 3);
      EXPECT_NEAR(class_cross_entropy(logits.to(at::kFloat), labels, {.smoothing = smoothing}).sum.item<double>(),
                  expected, 1e-4);
    }
}

TEST(ClassCrossEntropy, HasTheGradientOfFiniteDifferences) {
  const at::Tensor labels = at::tensor({2, -100, 0}, at::kLong);
  expect_gradient(normal({3, 4}, 5),
                  [&](const at::Tensor& x) { return class_cross_entropy(x, labels, {.smoothing = 0.2}).sum; });
}

TEST(ClassCrossEntropy, AddsUpOverAnySplitOfTheRows) {
  const at::Tensor logits = normal({9, 3}, 7), labels = at::tensor({0, 1, 2, -100, 1, 1, 0, 2, 2}, at::kLong);
  double sum = 0, count = 0;
  for (int64_t i = 0; i < 9; ++i) {
    const Term term = class_cross_entropy(logits.narrow(0, i, 1), labels.narrow(0, i, 1));
    sum += term.sum.item<double>(), count += term.count;
  }
  const Term whole = class_cross_entropy(logits, labels);
  EXPECT_NEAR(whole.sum.item<double>(), sum, 1e-12);
  EXPECT_EQ(whole.count, count);
}

TEST(ClassCrossEntropy, CountsNothingWhereNoRowHasALabelAndRefusesALabelThatIsNone) {
  EXPECT_EQ(class_cross_entropy(normal({2, 3}, 1), at::tensor({-100, -100}, at::kLong)).count, 0);
  EXPECT_EQ(class_cross_entropy(at::empty({0, 3}, at::kDouble), at::empty({0}, at::kLong)).count, 0);
  EXPECT_THROW(class_cross_entropy(normal({1, 3}, 1), at::tensor({3}, at::kLong)), Error);
  EXPECT_THROW(class_cross_entropy(normal({1, 3}, 1), at::tensor({-1}, at::kLong)), Error);
  EXPECT_THROW(class_cross_entropy(normal({2, 3}, 1), at::tensor({0}, at::kLong)), Error);
}

TEST(ScoreSquaredError, LeavesOutRowsWithoutAScore) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Term term =
      score_squared_error(at::tensor({{1.0}, {2.0}, {5.0}}, at::kDouble), at::tensor({0.5, nan, 3.0}, at::kDouble));
  EXPECT_DOUBLE_EQ(term.sum.item<double>(), 0.25 + 4);
  EXPECT_EQ(term.count, 2);
  expect_gradient(normal({3, 1}, 2), [&](const at::Tensor& x) {
    return score_squared_error(x, at::tensor({0.5, nan, 3.0}, at::kDouble)).sum;
  });
}

TEST(ChoiceCrossEntropy, ComparesTheChoicesOfEachExampleHoweverManyThereAre) {
  const at::Tensor scores = normal({6, 1}, 11);
  const std::vector<double> all = row_of(scores.reshape({1, 6}), 0);
  const Term term = choice_cross_entropy(scores, {0, 2, 5, 6}, at::tensor({1, 2, 0}, at::kLong));
  EXPECT_NEAR(term.sum.item<double>(),
              cross_entropy_by_hand({all[0], all[1]}, 1, 0) + cross_entropy_by_hand({all[2], all[3], all[4]}, 2, 0),
              1e-12);
  EXPECT_EQ(term.count, 3);
  EXPECT_THROW(choice_cross_entropy(scores, {0, 2, 5, 6}, at::tensor({2, 2, 0}, at::kLong)), Error);
  expect_gradient(scores, [](const at::Tensor& x) {
    return choice_cross_entropy(x, {0, 2, 5, 6}, at::tensor({1, 2, -100}, at::kLong)).sum;
  });
}

TEST(SpanCrossEntropy, IsTheMeanOfBeginAndEndOverTheTokensOfADocument) {
  const at::Tensor logits = normal({7, 2}, 13);
  const auto column = [&](int64_t c, int64_t begin, int64_t length) {
    return row_of(logits.select(1, c).narrow(0, begin, length).reshape({1, length}), 0);
  };
  const Term term = span_cross_entropy(logits, {0, 4, 7}, at::tensor({1, 0}, at::kLong), at::tensor({3, 2}, at::kLong));
  const double expected =
      (cross_entropy_by_hand(column(0, 0, 4), 1, 0) + cross_entropy_by_hand(column(1, 0, 4), 3, 0) +
       cross_entropy_by_hand(column(0, 4, 3), 0, 0) + cross_entropy_by_hand(column(1, 4, 3), 2, 0)) /
      2;
  EXPECT_NEAR(term.sum.item<double>(), expected, 1e-12);
  EXPECT_EQ(term.count, 2);
  expect_gradient(logits, [](const at::Tensor& x) {
    return span_cross_entropy(x, {0, 4, 7}, at::tensor({1, 0}, at::kLong), at::tensor({3, 2}, at::kLong)).sum;
  });
}

TEST(RaggedLogSoftmax, IsOfEachRowAloneAndRefusesOffsetsThatDoNotFit) {
  const at::Tensor values = normal({5}, 17), rows = ragged_log_softmax(values, {0, 3, 5});
  EXPECT_TRUE(at::allclose(rows[0], values.narrow(0, 0, 3).log_softmax(0)));
  EXPECT_TRUE(at::allclose(rows[1].narrow(0, 0, 2), values.narrow(0, 3, 2).log_softmax(0)));
  EXPECT_EQ(rows[1][2].item<double>(), -std::numeric_limits<double>::infinity());
  EXPECT_THROW(ragged_log_softmax(values, {0, 3}), Error);
  EXPECT_THROW(ragged_log_softmax(values, {0, 4, 3, 5}), Error);
}

}  // namespace
}  // namespace limbeck::objectives
