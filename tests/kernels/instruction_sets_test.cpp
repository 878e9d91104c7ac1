#include "kernels/instruction_sets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace limbeck::kernels {
namespace {

TEST(InstructionSets, EndWithThePortableOne) {
  ASSERT_FALSE(available_instructions().empty());
  EXPECT_EQ(std::string(available_instructions().back()->name), "portable");
}

TEST(InstructionSets, AgreeOnALinearPanelUpToRounding) {
  const int64_t rows = 19, cells = 31, columns = 41;  // padded to 48 columns
  std::mt19937 engine(3);
  std::normal_distribution<float> normal;
  std::vector<float> x(rows * cells), panel(cells * 48), bias(columns);
  std::vector<BFloat16> x_low(rows * cells * 2), panel_low(cells * 48 * 2);
  for (auto& v : x) v = normal(engine);
  for (auto& v : panel) v = normal(engine);
  for (auto& v : bias) v = normal(engine);
  for (auto& v : x_low) v = to_bfloat16(normal(engine));
  for (auto& v : panel_low) v = to_bfloat16(normal(engine));
  std::vector<float> first, first_low;
  for (const InstructionSet* set : available_instructions()) {
    std::vector<float> y(rows * columns, -1), y_low(rows * columns, -1);
    set->linear_fp32({.x = x.data(),
                      .x_stride = cells,
                      .panel = panel.data(),
                      .num_cells = cells,
                      .rows = rows,
                      .columns = columns,
                      .bias = bias.data(),
                      .y = y.data(),
                      .y_stride = columns});
    set->linear_bf16({.x = x_low.data(),
                      .x_stride = cells * 2,
                      .panel = panel_low.data(),
                      .num_cells = cells,
                      .rows = rows,
                      .columns = columns,
                      .bias = bias.data(),
                      .y = y_low.data(),
                      .y_stride = columns});
    if (first.empty()) first = y, first_low = y_low;
    for (std::size_t i = 0; i < y.size(); ++i) {
      ASSERT_NEAR(y[i], first[i], 2e-5) << set->name << " at " << i;
      ASSERT_NEAR(y_low[i], first_low[i], 4e-5) << set->name << " at " << i;
    }
  }
}

TEST(InstructionSets, AgreeOnATileOfAProductPackedOrNotAndCarriedOn) {
  const int64_t rows = 19, cells = 31, columns = 41, strips = 24;
  std::mt19937 engine(5);
  std::normal_distribution<float> normal;
  std::vector<float> a(rows * cells), packed(strips * cells), panel(cells * 48), start(rows * columns);
  std::vector<BFloat16> a_low(rows * cells * 2), packed_low(strips * cells * 2), panel_low(cells * 48 * 2);
  for (auto* numbers : {&a, &panel, &start})
    for (float& v : *numbers) v = normal(engine);
  for (auto* numbers : {&a_low, &panel_low})
    for (BFloat16& v : *numbers) v = to_bfloat16(normal(engine));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t cell = 0; cell < cells; ++cell) {
      const int64_t at = ((r / kStripRows * cells + cell) * kStripRows) + r % kStripRows;
      packed[at] = a[r * cells + cell];
      std::memcpy(&packed_low[2 * at], &a_low[(r * cells + cell) * 2], 4);
    }
  const auto run = [&](void (*tile)(const ProductTile&), const void* rows_of_a, int64_t stride, bool in_strips,
                       const void* columns_of_b) {
    std::vector<float> c(rows * columns, -1);
    tile({.a = rows_of_a,
          .a_stride = stride,
          .packed = in_strips,
          .panel = columns_of_b,
          .start = start.data(),
          .start_stride = columns,
          .num_cells = cells,
          .rows = rows,
          .columns = columns,
          .c = c.data(),
          .c_stride = columns});
    return c;
  };
  const InstructionSet& first = *available_instructions().front();
  const auto expected = run(first.product_fp32, a.data(), cells, false, panel.data());
  const auto expected_low = run(first.product_bf16, a_low.data(), 2 * cells, false, panel_low.data());
  for (const InstructionSet* set : available_instructions())
    for (const bool in_strips : {false, true}) {
      const auto c = run(set->product_fp32, in_strips ? packed.data() : a.data(), cells, in_strips, panel.data());
      const auto low =
          run(set->product_bf16, in_strips ? packed_low.data() : a_low.data(), 2 * cells, in_strips, panel_low.data());
      for (std::size_t i = 0; i < c.size(); ++i) {
        ASSERT_NEAR(c[i], expected[i], 2e-5) << set->name << " at " << i;
        ASSERT_NEAR(low[i], expected_low[i], 4e-5) << set->name << " at " << i;
      }
    }
}

// Rows 0 .. rows of a batch through one set, in pieces of `piece` rows.
template <class Number>
std::vector<float> attend_in_pieces(const InstructionSet& set, int64_t piece) {
  const int64_t rows = 13, head = 48, pages = 21;
  std::mt19937 engine(5);
  std::normal_distribution<float> normal;
  std::vector<Number> q(rows * head), memory(pages * 2 * 16 * head);
  const auto fill = [&](std::vector<Number>& numbers) {
    for (Number& n : numbers) {
      if constexpr (sizeof(Number) == 4) {
        n = normal(engine);
      } else {
        n = to_bfloat16(normal(engine));
      }
    }
  };
  fill(q), fill(memory);
  std::vector<const char*> pointers;
  for (int64_t p = 0; p < pages; ++p)
    pointers.push_back(reinterpret_cast<const char*>(memory.data() + p * 2 * 16 * head));
  std::vector<int64_t> begin, end;
  for (int64_t r = 0; r < rows; ++r) begin.push_back(r % 3 == 0 ? 0 : r * 7), end.push_back(100 + r * 18);
  std::vector<float> largest(rows, -INFINITY), total(rows, 0), output(rows * head, 0);
  for (int64_t r = 0; r < rows; r += piece) {
    const AttentionRows task{.q = q.data() + r * head,
                             .rows = std::min(piece, rows - r),
                             .head_size = head,
                             .pages = pointers.data(),
                             .key_offset = 0,
                             .value_offset = static_cast<int64_t>(16 * head * sizeof(Number)),
                             .begin = begin.data() + r,
                             .end = end.data() + r,
                             .scale = 0.2f,
                             .largest = largest.data() + r,
                             .total = total.data() + r,
                             .output = output.data() + r * head};
    (sizeof(Number) == 4 ? set.attend_fp32 : set.attend_bf16)(task);
  }
  for (int64_t i = 0; i < rows * head; ++i) output[i] /= total[i / head];
  return output;
}

template <class Number>
void expect_equal_attention(float tolerance) {
  const auto first = attend_in_pieces<Number>(*available_instructions().back(), 13);
  for (const InstructionSet* set : available_instructions()) {
    const auto whole = attend_in_pieces<Number>(*set, 13);
    for (std::size_t i = 0; i < whole.size(); ++i)
      ASSERT_NEAR(whole[i], first[i], tolerance) << set->name << " at " << i;
    for (const int64_t piece : {1, 2, 5}) EXPECT_EQ(attend_in_pieces<Number>(*set, piece), whole) << set->name;
  }
}

TEST(InstructionSets, AgreeOnAttentionAndGiveARowTheSameBitsInEveryPiece) {
  expect_equal_attention<float>(1e-5f);
  expect_equal_attention<BFloat16>(1e-2f);
}

TEST(InstructionSets, GiveALinearRowTheSameBitsInEveryPiece) {
  const int64_t rows = 19, cells = 30;
  std::mt19937 engine(6);
  std::normal_distribution<float> normal;
  std::vector<float> x(rows * cells), panel(cells * 48);
  for (auto& v : x) v = normal(engine);
  for (auto& v : panel) v = normal(engine);
  for (const InstructionSet* set : available_instructions())
    for (const auto multiply : {set->linear_fp32, set->linear_bf16}) {  // for bf16 the same bytes: any pairs will do
      std::vector<float> whole(rows * 48), parts(rows * 48);
      LinearPanel task{.x = x.data(),
                       .x_stride = cells * (multiply == set->linear_bf16 ? 2 : 1),
                       .panel = panel.data(),
                       .num_cells = cells,
                       .rows = rows,
                       .columns = 48,
                       .y = whole.data(),
                       .y_stride = 48};
      multiply(task);
      for (int64_t r = 0; r < rows; ++r) {
        task.x = x.data() + r * cells, task.rows = 1, task.y = parts.data() + r * 48;
        multiply(task);
      }
      EXPECT_EQ(std::memcmp(parts.data(), whole.data(), whole.size() * sizeof(float)), 0) << set->name;
    }
}

TEST(InstructionSets, RoundToBf16Alike) {
  std::vector<float> from = {0.0f, -0.0f, 1.00390625f, 1.01171875f, 3.4e38f, std::nanf(""), INFINITY, -INFINITY};
  std::mt19937 engine(4);
  std::normal_distribution<float> normal;
  while (from.size() < 101) from.push_back(normal(engine) * 1000);
  for (const InstructionSet* set : available_instructions()) {
    std::vector<BFloat16> to(from.size());
    set->round(from.data(), to.data(), static_cast<int64_t>(from.size()));
    for (std::size_t i = 0; i < from.size(); ++i)
      ASSERT_EQ(to[i].bits, to_bfloat16(from[i]).bits) << set->name << " " << from[i];
  }
}

TEST(InstructionSets, GiveMaximaAndSumsAtEverySize) {
  std::mt19937 engine(9);
  std::normal_distribution<float> normal;
  for (const int64_t n : {1, 3, 15, 16, 17, 63, 64, 65, 511, 512, 513, 1300}) {
    std::vector<float> x(static_cast<std::size_t>(n));
    for (float& v : x) v = normal(engine) * 5;
    for (const InstructionSet* set : available_instructions()) {
      std::vector<float> maxima(static_cast<std::size_t>((n + kMaximumBlock - 1) / kMaximumBlock));
      std::vector<float> sums(static_cast<std::size_t>((n + kSumBlock - 1) / kSumBlock));
      set->block_maxima(x.data(), n, maxima.data());
      set->exponential_sums(x.data(), n, 20, 0.7f, sums.data());
      for (int64_t b = 0; b * kMaximumBlock < n; ++b)
        EXPECT_EQ(maxima[b],
                  *std::max_element(x.begin() + b * kMaximumBlock, x.begin() + std::min(n, (b + 1) * kMaximumBlock)))
            << set->name;
      for (int64_t b = 0; b * kSumBlock < n; ++b) {
        double sum = 0;
        for (int64_t i = b * kSumBlock; i < std::min(n, (b + 1) * kSumBlock); ++i)
          sum += std::exp((x[i] - 20.0) * 0.7f);
        EXPECT_NEAR(sums[b], sum, 1e-5 * sum) << set->name << " " << n;
      }
    }
  }
}

}  // namespace
}  // namespace limbeck::kernels
