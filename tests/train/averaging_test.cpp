#include "train/averaging.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>  // std::memcmp

#include "base/message_of.h"

namespace limbeck::train {
namespace {

constexpr Length kHundred{.steps = 100, .steps_per_epoch = 20};

struct Weights {
  at::Tensor matrix = at::zeros({3, 5}).requires_grad_(true), vector = at::zeros({4}).requires_grad_(true),
             frozen = at::ones({2}), tied = matrix;
  std::vector<nn::NamedParameter> parameters() {
    return {{"matrix", &matrix}, {"vector", &vector}, {"frozen", &frozen}, {"tied", &tied}};
  }
  void move(Averaging& averaging, int64_t steps, int64_t from = 0) {
    for (int64_t step = from + 1; step <= from + steps; ++step) {
      const at::NoGradGuard no_grad;
      at::manual_seed(static_cast<uint64_t>(step));
      matrix.copy_(at::randn({3, 5}));
      vector.copy_(at::randn({4}));
      history.push_back(matrix.detach().to(at::kDouble).clone());
      averaging.after_step(step);
    }
  }
  std::vector<at::Tensor> history;  // of matrix
};

TEST(Averaging, CountsWeightsTakenNotSteps) {
  Weights weights;
  Averaging averaging(weights.parameters(), {.kind = AveragingKind::kSwa, .start = 0.5, .every = 10}, kHundred);
  weights.move(averaging, 59);
  EXPECT_EQ(averaging.num_snapshots(), 0);
  weights.move(averaging, 41, 59);
  EXPECT_EQ(averaging.num_snapshots(), 5);
}

TEST(Averaging, OfKWeightsIsTheirMean) {
  Weights weights;
  Averaging averaging(weights.parameters(), {.kind = AveragingKind::kSwa, .start = 0, .every = 7}, kHundred);
  weights.move(averaging, 100);
  at::Tensor sum = at::zeros({3, 5}, at::kDouble);
  for (int64_t step = 7; step <= 100; step += 7) sum += weights.history[static_cast<std::size_t>(step - 1)];
  const Averaging::Swapped swapped(averaging, {});
  EXPECT_LT((weights.matrix.detach().to(at::kDouble) - sum / 14).abs().max().item<double>(), 1e-6);
}

TEST(Averaging, SwappedTwiceGivesBackTheSameBytes) {
  for (const auto kind : {AveragingKind::kSwa, AveragingKind::kEma, AveragingKind::kLastK}) {
    Weights weights;
    Averaging averaging(weights.parameters(), {.kind = kind, .start = 0, .every = 3}, kHundred);
    weights.move(averaging, 20);
    {
      const at::NoGradGuard no_grad;
      weights.matrix[0][0] = -0.0f;
      weights.matrix[0][1] = 1e-42f;  // denormal
    }
    const at::Tensor before = weights.matrix.detach().clone();
    at::Tensor mean;
    int changes = 0;
    for (int times = 0; times < 2; ++times) {
      const Averaging::Swapped swapped(averaging, [&] { ++changes; });
      EXPECT_TRUE(!mean.defined() || weights.matrix.detach().equal(mean));
      mean = weights.matrix.detach().clone();
      EXPECT_FALSE(mean.equal(before));
    }
    EXPECT_EQ(changes, 4);
    EXPECT_EQ(0, std::memcmp(weights.matrix.const_data_ptr(), before.const_data_ptr(), before.nbytes()));
  }
}

TEST(Averaging, KeepsMeansOfBf16WeightsInFp32) {
  at::Tensor weight = at::ones({1}, at::kBFloat16).requires_grad_(true);
  Averaging averaging({{"weight", &weight}}, {.kind = AveragingKind::kSwa, .start = 0, .every = 1}, kHundred);
  const at::NoGradGuard no_grad;
  for (int64_t step = 1; step <= 100; ++step) {
    weight.fill_(step % 2 == 0 ? 1.0 : 1.0078125);  // neighbours in bf16
    averaging.after_step(step);
  }
  const auto state = averaging.state("");
  EXPECT_EQ(state[1].second.scalar_type(), at::kFloat);
  EXPECT_NEAR(state[1].second.item<double>(), 1.00390625, 1e-6);
  const Averaging::Swapped swapped(averaging, {});
  EXPECT_EQ(weight.scalar_type(), at::kBFloat16);
}

TEST(Averaging, TakesTiedTensorsOnceAndFrozenOnesNot) {
  Weights weights;
  const Averaging averaging(weights.parameters(), {.kind = AveragingKind::kSwa}, kHundred);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : averaging.state("mean.")) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"mean.taken", "mean.0.matrix", "mean.0.vector"}));
}

TEST(Averaging, GoesOnFromItsState) {
  for (const auto kind : {AveragingKind::kSwa, AveragingKind::kEma, AveragingKind::kLastK}) {
    const AveragingOptions options{.kind = kind, .start = 0.1, .every = 3, .decay = 0.9};
    Weights whole, cut;
    Averaging undisturbed(whole.parameters(), options, kHundred), first(cut.parameters(), options, kHundred);
    whole.move(undisturbed, 100);
    cut.move(first, 50);
    Averaging second(cut.parameters(), options, kHundred);
    const auto from = first.state(""), to = second.state("");
    for (std::size_t i = 0; i < from.size(); ++i) at::Tensor(to[i].second).copy_(from[i].second);
    cut.move(second, 50, 50);
    undisturbed.put_in();
    second.put_in();
    EXPECT_TRUE(whole.matrix.detach().equal(cut.matrix.detach()));
    EXPECT_EQ(undisturbed.num_snapshots(), second.num_snapshots());
  }
}

TEST(Averaging, BeforeAnyWeightsWereTakenChangesNothing) {
  Weights weights;
  Averaging averaging(weights.parameters(), {.kind = AveragingKind::kLastK}, kHundred);
  weights.move(averaging, 3);
  const at::Tensor before = weights.matrix.detach().clone();
  const Averaging::Swapped swapped(averaging, [] { FAIL(); });
  averaging.put_in();
  EXPECT_TRUE(weights.matrix.detach().equal(before));
}

TEST(Averaging, RefusesARunInWhichNothingWouldBeTaken) {
  Weights weights;
  const auto text = message_of<UserError>(
      [&] { Averaging(weights.parameters(), {.kind = AveragingKind::kSwa, .start = 0.95, .every = 10}, kHundred); });
  EXPECT_NE(text.find("every 10 steps after step 95 but training has 100"), std::string::npos) << text;
}

}  // namespace
}  // namespace limbeck::train
