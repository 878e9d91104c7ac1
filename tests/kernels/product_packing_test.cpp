#include "kernels/product_packing.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/instruction_sets.h"

namespace limbeck::kernels {
namespace {

float numbered(float, int64_t i) {
  return static_cast<float>(i + 1);
}
BFloat16 numbered(BFloat16, int64_t i) {
  return {static_cast<uint16_t>(i + 1)};
}
bool same(float a, float b) {
  return a == b;
}
bool same(BFloat16 a, BFloat16 b) {
  return a.bits == b.bits;
}

template <class Number>
void check(int64_t count, int64_t depth, Contracted contracted) {
  constexpr int64_t kNumbers = sizeof(float) / sizeof(Number), kFirst = 2, kSkip = 3;
  const int64_t stride = contracted == Contracted::kWithinRows ? kSkip + depth : kFirst + count;
  const int64_t lines = contracted == Contracted::kWithinRows ? kFirst + count : kSkip + depth;
  std::vector<Number> source;
  for (int64_t i = 0; i < lines * stride; ++i) source.push_back(numbered(Number{}, i));
  const auto expected = [&](int64_t i, int64_t p) {
    if (i >= count || p >= depth) return Number{};
    return contracted == Contracted::kWithinRows ? source[(kFirst + i) * stride + kSkip + p]
                                                 : source[(kSkip + p) * stride + kFirst + i];
  };
  const Operand<Number> operand{source.data(), stride, contracted};
  const int64_t cells = (depth + kNumbers - 1) / kNumbers;
  const auto compare = [&](const std::vector<Number>& packed, int64_t width) {
    for (int64_t block = 0; block * width < count; ++block)
      for (int64_t cell = 0; cell < cells; ++cell)
        for (int64_t c = 0; c < width; ++c)
          for (int64_t i = 0; i < kNumbers; ++i)
            ASSERT_TRUE(same(packed[((block * cells + cell) * width + c) * kNumbers + i],
                             expected(block * width + c, cell * kNumbers + i)))
                << count << "x" << depth << " column " << block * width + c << " of depth " << cell * kNumbers + i;
  };
  if (count <= kPanelColumns) {
    const int64_t width = (count + 15) / 16 * 16;
    std::vector<Number> panel(width * cells * kNumbers, numbered(Number{}, 60000));
    pack_panel(operand, kFirst, count, kSkip, depth, panel.data());
    compare(panel, width);
  }
  std::vector<Number> strips((count + 7) / 8 * 8 * cells * kNumbers, numbered(Number{}, 60000));
  pack_strips(operand, kFirst, count, kSkip, depth, strips.data());
  compare(strips, kStripRows);
}

TEST(PackPanelAndStrips, PutEveryNumberInItsCellAndZerosWhereThereIsNone) {
  for (const int64_t count : {1, 3, 8, 13, 16, 31, 48, 70})
    for (const int64_t depth : {1, 2, 3, 8, 9, 33})
      for (const auto contracted : {Contracted::kWithinRows, Contracted::kAcrossRows}) {
        check<float>(count, depth, contracted);
        check<BFloat16>(count, depth, contracted);
      }
}

}  // namespace
}  // namespace limbeck::kernels
