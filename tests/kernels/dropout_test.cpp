#include "kernels/dropout.h"

#include <gtest/gtest.h>

#include <vector>

namespace limbeck::kernels {
namespace {

constexpr int64_t kRows = 200, kWidth = 301;

struct Data {
  std::vector<int64_t> keys = std::vector<int64_t>(kRows);
  std::vector<float> x = std::vector<float>(kRows * kWidth, 1), y = x;
  Data() {
    for (int64_t r = 0; r < kRows; ++r) keys[r] = r * 7919 - 40;
  }
  Dropout task(double rate, uint64_t salt = 3) const {
    return {.rows = kRows, .width = kWidth, .keys = keys.data(), .salt = salt, .rate = rate};
  }
  double share_kept() const {
    double kept = 0;
    for (const float number : y) kept += number != 0;
    return kept / static_cast<double>(y.size());
  }
};

TEST(DropoutKernel, DropsTheShareAskedForAndScalesTheRest) {
  Data d;
  for (const double rate : {0.05, 0.3, 0.9}) {
    dropout(d.task(rate), d.x.data(), d.y.data());
    // 60,200 draws: six standard deviations are below 0.012.
    EXPECT_NEAR(d.share_kept(), 1 - rate, 0.012);
    for (const float number : d.y)
      if (number != 0) {
        ASSERT_FLOAT_EQ(number, static_cast<float>(1 / (1 - rate)));
      }
  }
  dropout(d.task(0), d.x.data(), d.y.data());
  EXPECT_EQ(d.y, d.x);
}

TEST(DropoutKernel, RowsColumnsAndSaltsAreDrawnApart) {
  Data d;
  dropout(d.task(0.5), d.x.data(), d.y.data());
  const std::vector<float> first = d.y;
  // Of independent fair draws half are alike, within six standard deviations.
  const auto alike = [&](auto at, auto other, int64_t count) {
    int64_t same = 0;
    for (int64_t i = 0; i < count; ++i) same += (at(i) != 0) == (other(i) != 0);
    return static_cast<double>(same) / static_cast<double>(count);
  };
  for (int64_t r = 0; r + 1 < kRows; ++r)
    EXPECT_NEAR(alike([&](int64_t i) { return first[r * kWidth + i]; },
                      [&](int64_t i) { return first[(r + 1) * kWidth + i]; }, kWidth),
                0.5, 0.18)
        << r;
  for (int64_t c = 0; c + 1 < kWidth; ++c)
    EXPECT_NEAR(alike([&](int64_t i) { return first[i * kWidth + c]; },
                      [&](int64_t i) { return first[i * kWidth + c + 1]; }, kRows),
                0.5, 0.22)
        << c;
  dropout(d.task(0.5, 4), d.x.data(), d.y.data());
  EXPECT_NEAR(alike([&](int64_t i) { return first[i]; }, [&](int64_t i) { return d.y[i]; }, kRows * kWidth), 0.5, 0.02);
}

TEST(DropoutKernel, ARowLosesTheSameWhateverStandsBesideItAndInBothFormats) {
  Data d;
  dropout(d.task(0.4), d.x.data(), d.y.data());
  Dropout alone = d.task(0.4);
  alone.rows = 1;
  alone.keys = d.keys.data() + 77;
  std::vector<float> row(kWidth);
  dropout(alone, d.x.data(), row.data());
  EXPECT_EQ(row, std::vector<float>(d.y.begin() + 77 * kWidth, d.y.begin() + 78 * kWidth));
  const std::vector<BFloat16> low(kWidth, to_bfloat16(1));
  std::vector<BFloat16> low_row(kWidth);
  dropout(alone, low.data(), low_row.data());
  for (int64_t i = 0; i < kWidth; ++i) EXPECT_EQ(low_row[i].bits, to_bfloat16(row[i]).bits);
}

}  // namespace
}  // namespace limbeck::kernels
