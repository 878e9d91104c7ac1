#include "kernels/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace limbeck::kernels {
namespace {

// Two heads of 6 within rows of 20 numbers, for three tokens.
struct Data {
  std::vector<float> x = std::vector<float>(60), cos = std::vector<float>(9), sin = cos;
  Data() {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(1.7f * static_cast<float>(i));
    for (std::size_t i = 0; i < cos.size(); ++i) {
      cos[i] = std::cos(0.3f * static_cast<float>(i));
      sin[i] = std::sin(0.3f * static_cast<float>(i));
    }
  }
  Rope rope(Turn turn) const {
    return {.tokens = 3, .heads = 2, .head_dim = 6, .cos = cos.data(), .sin = sin.data(), .turn = turn};
  }
};

TEST(RopeKernel, TurnsElementIWithElementIPlusHalf) {
  const Data d;
  std::vector<float> y(36);
  rotate(d.rope(Turn::kForward), d.x.data() + 4, 20, y.data(), 12);
  for (int t = 0; t < 3; ++t)
    for (int h = 0; h < 2; ++h)
      for (int i = 0; i < 3; ++i) {
        const float left = d.x[t * 20 + 4 + h * 6 + i], right = d.x[t * 20 + 4 + h * 6 + 3 + i];
        const float c = d.cos[t * 3 + i], s = d.sin[t * 3 + i];
        EXPECT_FLOAT_EQ(y[t * 12 + h * 6 + i], left * c - right * s);
        EXPECT_FLOAT_EQ(y[t * 12 + h * 6 + 3 + i], right * c + left * s);
      }
}

TEST(RopeKernel, TurningBackUndoesIt) {
  const Data d;
  std::vector<float> y(d.x);
  rotate(d.rope(Turn::kForward), y.data(), 20, y.data(), 20);  // in place
  rotate(d.rope(Turn::kBack), y.data(), 20, y.data(), 20);
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], d.x[i], 1e-6);
}

TEST(RopeKernel, TheFirstElementsTurnAndTheRestStays) {
  const Data d;
  Rope rope = d.rope(Turn::kForward);
  rope.rotary_dim = 4;
  for (const RotaryPairs pairs : {RotaryPairs::kHalfSplit, RotaryPairs::kInterleaved}) {
    rope.pairs = pairs;
    const bool split = pairs == RotaryPairs::kHalfSplit;
    std::vector<float> y(36);
    rotate(rope, d.x.data(), 20, y.data(), 12);
    for (int t = 0; t < 3; ++t)
      for (int h = 0; h < 2; ++h) {
        const float *from = d.x.data() + t * 20 + h * 6, *to = y.data() + t * 12 + h * 6;
        for (int i = 0; i < 2; ++i) {
          const int left = split ? i : 2 * i, right = split ? i + 2 : 2 * i + 1;
          const float c = d.cos[t * 2 + i], s = d.sin[t * 2 + i];
          EXPECT_FLOAT_EQ(to[left], from[left] * c - from[right] * s);
          EXPECT_FLOAT_EQ(to[right], from[right] * c + from[left] * s);
        }
        EXPECT_EQ(to[4], from[4]);
        EXPECT_EQ(to[5], from[5]);
      }
    std::vector<float> back(36);
    rope.turn = Turn::kBack;
    rotate(rope, y.data(), 12, back.data(), 12);
    rope.turn = Turn::kForward;
    for (int i = 0; i < 12; ++i) EXPECT_NEAR(back[i], d.x[i], 1e-6);
  }
}

TEST(RopeKernel, Bf16IsFp32Rounded) {
  Data d;
  std::vector<BFloat16> low, low_y(36);
  for (float& x : d.x) {
    low.push_back(to_bfloat16(x));
    x = to_float(low.back());
  }
  std::vector<float> y(36);
  rotate(d.rope(Turn::kForward), d.x.data(), 20, y.data(), 12);
  rotate(d.rope(Turn::kForward), low.data(), 20, low_y.data(), 12);
  for (int i = 0; i < 36; ++i) EXPECT_EQ(low_y[i].bits, to_bfloat16(y[i]).bits);
}

}  // namespace
}  // namespace limbeck::kernels
