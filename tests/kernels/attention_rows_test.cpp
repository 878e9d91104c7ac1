#include "kernels/attention_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace limbeck::kernels {
namespace {

TEST(AttentionRows, SoftmaxKeepsTheLargestAndTheSum) {
  for (const int64_t n : {1, 2, 15, 48, 200}) {
    std::vector<float> scores(n), weights(n);
    for (int64_t i = 0; i < n; ++i) scores[i] = 30 * std::sin(static_cast<float>(3 * i + n));
    const std::vector<float> before = scores;
    std::vector<BFloat16> low(n);
    std::vector<float> copy = scores;
    const RowSum sum = softmax_row(scores.data(), weights.data(), n, 2);
    softmax_row(copy.data(), low.data(), n, 2);
    double largest = -1e30, total = 0;
    for (const float x : before) largest = std::max<double>(largest, 2 * x);
    for (int64_t i = 0; i < n; ++i) {
      const double expected = std::exp(2 * before[i] - largest);
      total += expected;
      EXPECT_NEAR(weights[i], expected, 1e-5 * expected + 1e-30);
      EXPECT_EQ(low[i].bits, to_bfloat16(weights[i]).bits);
    }
    EXPECT_FLOAT_EQ(sum.largest, static_cast<float>(largest));
    EXPECT_NEAR(sum.total, total, 1e-5 * total);
  }
}

TEST(AttentionRows, SoftmaxOfSeveralRowsIsThatOfEach) {
  for (const int64_t n : {1, 15, 16, 22, 50}) {
    constexpr int64_t kRows = 5, kStride = 96, kLogStride = 3;
    std::vector<float> scores(kRows * kStride, 7), weights(kRows * kStride, 9), inverse(kRows), log_sums(15);
    for (int64_t i = 0; i < kRows * kStride; ++i) scores[i] = 20 * std::sin(static_cast<float>(3 * i + n));
    std::vector<float> copy = scores, low_copy = scores, low_inverse(kRows);
    std::vector<BFloat16> low(kRows * kStride);
    SoftmaxRows<float> task;
    task.scores = copy.data(), task.weights = weights.data(), task.stride = kStride;
    task.rows = kRows, task.columns = n, task.scale = 0.5f, task.inverse = inverse.data();
    task.log_sums = log_sums.data(), task.log_stride = kLogStride;
    softmax_rows(task);
    SoftmaxRows<BFloat16> low_task;
    low_task.scores = low_copy.data(), low_task.weights = low.data(), low_task.stride = kStride;
    low_task.rows = kRows, low_task.columns = n, low_task.scale = 0.5f, low_task.inverse = low_inverse.data();
    softmax_rows(low_task);
    EXPECT_EQ(low_inverse, inverse);
    for (int64_t r = 0; r < kRows; ++r) {
      std::vector<float> row(scores.begin() + r * kStride, scores.begin() + r * kStride + n), expected(n);
      const RowSum sum = softmax_row(row.data(), expected.data(), n, 0.5f);
      EXPECT_NEAR(inverse[r] * sum.total, 1, 1e-6);
      EXPECT_NEAR(log_sums[r * kLogStride], sum.largest + std::log(sum.total), 1e-5);
      for (int64_t i = 0; i < (n + 15) / 16 * 16; ++i) {
        EXPECT_FLOAT_EQ(weights[r * kStride + i], i < n ? expected[i] : 0) << n << " " << r << " " << i;
        EXPECT_EQ(low[r * kStride + i].bits, to_bfloat16(weights[r * kStride + i]).bits);
      }
    }
  }
}

TEST(AttentionRows, PanelsAreNoNarrowerThanNeedBe) {
  EXPECT_EQ(panel_widths(64), (std::vector<int64_t>{32, 32}));
  EXPECT_EQ(panel_widths(48), (std::vector<int64_t>{48}));
  EXPECT_EQ(panel_widths(128), (std::vector<int64_t>{32, 48, 48}));
  EXPECT_EQ(panel_widths(2), (std::vector<int64_t>{2}));
  EXPECT_EQ(panel_widths(50), (std::vector<int64_t>{32, 18}));
  for (int64_t columns = 1; columns < 400; ++columns) {
    int64_t sum = 0;
    for (const int64_t width : panel_widths(columns)) {
      EXPECT_GT(width, 0);
      EXPECT_LE(width, kPanelColumns);
      sum += width;
    }
    EXPECT_EQ(sum, columns);
  }
}

TEST(AttentionRows, ABlockOfGradientsLeavesOutWhatIsNotSeen) {
  std::vector<float> scores(3 * 48, 0.5f), dweights(3 * 48, 2.0f), log_sums(48, 1.0f), products(48, 0.25f);
  std::vector<float> p(3 * 48), ds(p), panel(p);
  BlockGradient<float> block;
  block.scores = scores.data(), block.dweights = dweights.data(), block.keys = 3, block.queries = 48;
  block.log_sums = log_sums.data(), block.products = products.data();
  block.scale = 0.5f, block.oldest = -1, block.window = 4;
  block.p = p.data(), block.ds = ds.data(), block.stride = 48, block.ds_panel = panel.data();
  block_gradient(block);
  const float weight = std::exp(0.25f - 1);
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 48; ++c) {
      const int age = c - 1 - r;
      const bool seen = age >= 0 && age < 4;
      EXPECT_NEAR(p[r * 48 + c], seen ? weight : 0, 1e-6) << r << " " << c;
      EXPECT_NEAR(ds[r * 48 + c], seen ? weight * 1.75f * 0.5f : 0, 1e-6);
      EXPECT_EQ(panel[r * 48 + c], ds[r * 48 + c]);
    }
}

TEST(AttentionRows, Bf16CellsPairKeysAndAreFilledWithZeros) {
  std::vector<float> scores(3 * 48, 0.5f), dweights(3 * 48, 2.0f), log_sums(48, 1.0f), products(48, 0.25f);
  std::vector<BFloat16> p(3 * 48), ds(p), panel(4 * 48, to_bfloat16(9));
  for (int i = 0; i < 3 * 48; ++i) scores[i] = 0.01f * static_cast<float>(i);
  BlockGradient<BFloat16> block;
  block.scores = scores.data(), block.dweights = dweights.data(), block.keys = 3, block.queries = 48;
  block.log_sums = log_sums.data(), block.products = products.data();
  block.scale = 1, block.oldest = 5, block.window = 1000;
  block.p = p.data(), block.ds = ds.data(), block.stride = 48, block.ds_panel = panel.data();
  block_gradient(block);
  for (int c = 0; c < 48; ++c) {
    EXPECT_EQ(panel[2 * c].bits, ds[c].bits);
    EXPECT_EQ(panel[2 * c + 1].bits, ds[48 + c].bits);
    EXPECT_EQ(panel[96 + 2 * c].bits, ds[96 + c].bits);
    EXPECT_EQ(panel[96 + 2 * c + 1].bits, 0);
  }
}

TEST(AttentionRows, ABlockOfGradientsDropsWhatTheRowsDrop) {
  constexpr double kRate = 0.3;
  constexpr float kKept = 1 / (1 - kRate);
  std::vector<float> scores(3 * 48, 0.5f), dweights(3 * 48, 2.0f), log_sums(48, 1.0f), products(48, 0.25f);
  std::vector<float> p(3 * 48), ds(p), panel(p);
  std::vector<uint32_t> low(48), high(48);
  for (int c = 0; c < 48; ++c) {
    const MaskRow mask = attention_mask_row(9, 1, 0, c);
    low[c] = mask.low, high[c] = mask.high;
  }
  BlockGradient<float> block;
  block.scores = scores.data(), block.dweights = dweights.data(), block.keys = 3, block.queries = 48;
  block.log_sums = log_sums.data(), block.products = products.data();
  block.scale = 0.5f, block.oldest = 48, block.window = 1000;
  block.p = p.data(), block.ds = ds.data(), block.stride = 48, block.ds_panel = panel.data();
  block.mask_low = low.data(), block.mask_high = high.data();
  block.first_key = 10, block.threshold = mask_threshold(kRate), block.kept_scale = kKept;
  block_gradient(block);
  const float weight = std::exp(0.25f - 1);
  int dropped = 0;
  for (int c = 0; c < 48; ++c) {
    std::vector<float> row(20, 1);
    drop_weights(row.data(), 20, 0, {low[c], high[c]}, mask_threshold(kRate));
    std::vector<BFloat16> tail(7, to_bfloat16(1));
    drop_weights(tail.data(), 7, 10, {low[c], high[c]}, mask_threshold(kRate));
    for (int r = 0; r < 3; ++r) {
      const float kept = row[10 + r] * kKept;
      dropped += kept == 0;
      EXPECT_EQ(to_float(tail[r]), row[10 + r]);
      EXPECT_NEAR(p[r * 48 + c], weight * kept, 1e-6) << r << " " << c;
      EXPECT_NEAR(ds[r * 48 + c], weight * (2 * kept - 0.25f) * 0.5f, 1e-6);
    }
  }
  EXPECT_GT(dropped, 20);  // 43 of 144 expected; below 20 is past four standard deviations
  EXPECT_LT(dropped, 66);
}

TEST(AttentionRows, SmallOperations) {
  const std::vector<float> a = {1, 2, 3, 4, 5}, b = {5, 4, 3, 2, 1};
  std::vector<float> sum = b, column(2), scaled(5);
  add_row(a.data(), sum.data(), 5);
  EXPECT_EQ(sum, (std::vector<float>{6, 6, 6, 6, 6}));
  EXPECT_FLOAT_EQ(dot_row(a.data(), b.data(), 5), 35);
  gather_column(a.data() + 1, 2, column.data(), 2);
  EXPECT_EQ(column, (std::vector<float>{2, 4}));
  scale_row(a.data(), scaled.data(), 5, 2);
  EXPECT_EQ(scaled, (std::vector<float>{2, 4, 6, 8, 10}));
  const std::vector<float> scales = {3, -1};
  std::vector<float> rows(5, 7);
  ScaledRows<float> task;
  task.from = a.data(), task.from_stride = 2, task.to = rows.data(), task.to_stride = 3;
  task.rows = 2, task.n = 2, task.scales = scales.data();
  scale_rows(task);
  EXPECT_EQ(rows, (std::vector<float>{3, 6, 7, -3, -4}));
}

}  // namespace
}  // namespace limbeck::kernels
