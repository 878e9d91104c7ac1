#include "kernels/instruction_sets.h"

#include <gtest/gtest.h>

#include <cmath>
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

}  // namespace
}  // namespace limbeck::kernels
