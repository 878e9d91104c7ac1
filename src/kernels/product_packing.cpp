#include "kernels/product_packing.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/attention_panels.h"  // kCellNumbers, round_up
#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

typedef uint32_t FourCells __attribute__((vector_size(16)));
typedef uint32_t EightCells __attribute__((vector_size(32)));
typedef uint16_t EightHalves __attribute__((vector_size(16)));

template <class Number>
FourCells four_cells(const Number* from) {
  FourCells cells;
  std::memcpy(&cells, from, sizeof(cells));
  return cells;
}

// Four rows of `cells` cells each stand beside each other afterwards: cell c of row r at to[c * width + r].
template <class Number>
void transpose_four(const Number* from, int64_t stride, int64_t cells, uint32_t* to, int64_t width) {
  constexpr int64_t kNumbers = kCellNumbers<Number>;
  int64_t c = 0;
  for (; c + 4 <= cells; c += 4) {
    const Number* at = from + c * kNumbers;
    const FourCells a = four_cells(at), b = four_cells(at + stride), d = four_cells(at + 2 * stride),
                    e = four_cells(at + 3 * stride);
    const FourCells ab_low = __builtin_shuffle(a, b, FourCells{0, 4, 1, 5});
    const FourCells ab_high = __builtin_shuffle(a, b, FourCells{2, 6, 3, 7});
    const FourCells de_low = __builtin_shuffle(d, e, FourCells{0, 4, 1, 5});
    const FourCells de_high = __builtin_shuffle(d, e, FourCells{2, 6, 3, 7});
    const FourCells columns[4] = {__builtin_shuffle(ab_low, de_low, FourCells{0, 1, 4, 5}),
                                  __builtin_shuffle(ab_low, de_low, FourCells{2, 3, 6, 7}),
                                  __builtin_shuffle(ab_high, de_high, FourCells{0, 1, 4, 5}),
                                  __builtin_shuffle(ab_high, de_high, FourCells{2, 3, 6, 7})};
    for (int64_t i = 0; i < 4; ++i) std::memcpy(to + (c + i) * width, &columns[i], sizeof(FourCells));
  }
  for (; c < cells; ++c)
    for (int64_t r = 0; r < 4; ++r) std::memcpy(to + c * width + r, from + r * stride + c * kNumbers, 4);
}

// The same of eight rows, as many of their cells as are a multiple of eight; returns how many that is.
LIMBECK_ROW_CLONES int64_t transpose_eight(const char* from, int64_t stride_bytes, int64_t cells, uint32_t* to,
                                           int64_t width) {
  constexpr EightCells kLow = {0, 8, 1, 9, 4, 12, 5, 13}, kHigh = {2, 10, 3, 11, 6, 14, 7, 15};
  constexpr EightCells kLowPairs = {0, 1, 8, 9, 4, 5, 12, 13}, kHighPairs = {2, 3, 10, 11, 6, 7, 14, 15};
  constexpr EightCells kLowHalves = {0, 1, 2, 3, 8, 9, 10, 11}, kHighHalves = {4, 5, 6, 7, 12, 13, 14, 15};
  int64_t c = 0;
  for (; c + 8 <= cells; c += 8) {
    EightCells rows[8], pairs[8], fours[8];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) std::memcpy(&rows[r], from + r * stride_bytes + c * 4, sizeof(EightCells));
#pragma GCC unroll 4
    for (int r = 0; r < 8; r += 2) {
      pairs[r] = __builtin_shuffle(rows[r], rows[r + 1], kLow);
      pairs[r + 1] = __builtin_shuffle(rows[r], rows[r + 1], kHigh);
    }
#pragma GCC unroll 4
    for (int half = 0; half < 8; half += 4)  // fours[i]: the cells i and i + 4 of four rows
      for (int i = 0; i < 2; ++i) {
        fours[half + 2 * i] = __builtin_shuffle(pairs[half + i], pairs[half + i + 2], kLowPairs);
        fours[half + 2 * i + 1] = __builtin_shuffle(pairs[half + i], pairs[half + i + 2], kHighPairs);
      }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const EightCells low = __builtin_shuffle(fours[i], fours[i + 4], kLowHalves);
      const EightCells high = __builtin_shuffle(fours[i], fours[i + 4], kHighHalves);
      std::memcpy(to + (c + i) * width, &low, sizeof(low));
      std::memcpy(to + (c + i + 4) * width, &high, sizeof(high));
    }
  }
  return c;
}

// Rows become the columns of `to` [cells][width], zeros where there is none; the numbers of an incomplete cell too.
template <class Number>
void rows_to_columns(const Number* from, int64_t stride, int64_t rows, int64_t depth, Number* to, int64_t width) {
  constexpr int64_t kNumbers = kCellNumbers<Number>;
  const int64_t whole = depth / kNumbers, cells = (depth + kNumbers - 1) / kNumbers;
  auto* cell = reinterpret_cast<uint32_t*>(to);
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) {
    const Number* at = from + r * stride;
    const int64_t done = transpose_eight(reinterpret_cast<const char*>(at),
                                         stride * static_cast<int64_t>(sizeof(Number)), whole, cell + r, width);
    for (int64_t four = 0; four < 8; four += 4)
      transpose_four(at + four * stride + done * kNumbers, stride, whole - done, cell + done * width + r + four, width);
  }
  for (; r + 4 <= rows; r += 4) transpose_four(from + r * stride, stride, whole, cell + r, width);
  for (; r < rows; ++r)
    for (int64_t c = 0; c < whole; ++c) std::memcpy(cell + c * width + r, from + r * stride + c * kNumbers, 4);
  if (rows < width)
    for (int64_t c = 0; c < cells; ++c) std::fill(cell + c * width + rows, cell + (c + 1) * width, 0u);
  if (whole == cells) return;
  for (r = 0; r < rows; ++r) {
    to[(whole * width + r) * kNumbers] = from[r * stride + depth - 1];
    to[(whole * width + r) * kNumbers + 1] = {};
  }
}

// Cells of numbers that stand in rows below each other: `count` columns, in blocks of kWidth that stand block_stride
// numbers apart; zeros behind the last.
template <int64_t kWidth>
LIMBECK_ROW_BODY void cells_body(const BFloat16* upper, const BFloat16* lower, int64_t count, BFloat16* to,
                                 int64_t block_stride) {
  const auto *a = &upper->bits, *b = &lower->bits;
  int64_t c = 0;
  for (; c + kWidth <= count; c += kWidth, to += block_stride)
    for (int64_t i = 0; i < kWidth; i += 8) {
      EightHalves first, second;
      std::memcpy(&first, a + c + i, sizeof(first));
      std::memcpy(&second, b + c + i, sizeof(second));
      const EightCells both = __builtin_convertvector(first, EightCells) | __builtin_convertvector(second, EightCells)
                                                                               << 16;
      std::memcpy(to + 2 * i, &both, sizeof(both));
    }
  if (c < count) {
    auto* cells = reinterpret_cast<uint32_t*>(to);
    for (int64_t i = 0; i < kWidth; ++i)
      cells[i] = c + i < count ? a[c + i] | static_cast<uint32_t>(b[c + i]) << 16 : 0;
  }
}
LIMBECK_ROW_CLONES void strip_cells(const BFloat16* upper, const BFloat16* lower, int64_t count, BFloat16* to,
                                    int64_t block_stride) {
  cells_body<kStripRows>(upper, lower, count, to, block_stride);
}
LIMBECK_ROW_CLONES void panel_cells(const BFloat16* upper, const BFloat16* lower, int64_t count, BFloat16* to) {
  cells_body<16>(upper, lower, count, to, 2 * 16);
}

// As panel_cells, of numbers that are rounded first. Cells are written whole: stores of their halves do not become
// vectors.
LIMBECK_ROW_CLONES void rounded_cells(const float* upper, const float* lower, int64_t count, BFloat16* to) {
  auto* cells = reinterpret_cast<uint32_t*>(to);
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    BFloat16 a, b;
    put(a, upper[i]);
    put(b, lower[i]);
    cells[i] = a.bits | static_cast<uint32_t>(b.bits) << 16;
  }
}
LIMBECK_ROW_CLONES void round_row(const float* from, BFloat16* to, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) put(to[i], from[i]);
}

// One row of an operand whose contracted side lies across rows: `count` columns in blocks of kWidth.
template <int64_t kWidth>
void cells_of_row(const float* from, int64_t count, float* to, int64_t block_stride) {
  int64_t c = 0;
  for (; c + kWidth <= count; c += kWidth, to += block_stride) std::memcpy(to, from + c, kWidth * sizeof(float));
  if (c == count) return;
  std::copy(from + c, from + count, to);
  std::fill(to + (count - c), to + kWidth, 0.0f);
}

// Asks for `count` numbers of a row before its turn: short pieces of rows that lie far apart are no stream that the
// processor would see coming. Inlined, since the compiler takes a function that only prefetches for one that does
// nothing.
template <class Number>
LIMBECK_ROW_BODY void fetch(const Number* from, int64_t count) {
  const char* at = reinterpret_cast<const char*>(from);
  for (int64_t b = 0; b < count * static_cast<int64_t>(sizeof(Number)); b += 64) __builtin_prefetch(at + b, 0, 3);
}
constexpr int64_t kRowsAhead = 32;

// The same of two rows, which are packed together.
template <class Number>
LIMBECK_ROW_BODY void fetch_two_rows(const Number* from, int64_t stride, int64_t count) {
  fetch(from + kRowsAhead * stride, count);
  fetch(from + (kRowsAhead + 1) * stride, count);
}

template <class Number>
const Number* row_below(const Number* row, int64_t stride, bool is_there) {
  static const Number kZeros[1 << 10] = {};
  return is_there ? row + stride : kZeros;
}

template <class Number>
const Number* origin(const Operand<Number>& operand, int64_t first, int64_t k) {
  return operand.contracted == Contracted::kWithinRows ? operand.numbers + first * operand.stride + k
                                                       : operand.numbers + k * operand.stride + first;
}

template <class Number>
void panel_of(const Operand<Number>& b, int64_t first, int64_t columns, int64_t k, int64_t depth, Number* to) {
  const int64_t width = round_up(columns, 16);
  const Number* from = origin(b, first, k);
  if (b.contracted == Contracted::kWithinRows) return rows_to_columns(from, b.stride, columns, depth, to, width);
  if constexpr (std::is_same_v<Number, BFloat16>) {
    for (int64_t p = 0; p < depth; p += 2, from += 2 * b.stride, to += 2 * width) {
      fetch_two_rows(from, b.stride, columns);
      panel_cells(from, row_below(from, b.stride, p + 1 < depth), columns, to);
    }
  } else {
    for (int64_t p = 0; p < depth; ++p, from += b.stride, to += width) cells_of_row<16>(from, columns, to, 16);
  }
}

void rounded_panel(const Operand<float>& b, int64_t first, int64_t columns, int64_t k, int64_t depth, BFloat16* to) {
  const int64_t width = round_up(columns, 16);
  const float* from = origin(b, first, k);
  if (b.contracted == Contracted::kAcrossRows) {
    for (int64_t p = 0; p < depth; p += 2, from += 2 * b.stride, to += 2 * width) {
      fetch_two_rows(from, b.stride, columns);
      rounded_cells(from, row_below(from, b.stride, p + 1 < depth), columns, to);
      std::fill(to + 2 * columns, to + 2 * width, BFloat16{});
    }
    return;
  }
  // As much of the rows at a time as stays in the first-level cache.
  constexpr int64_t kDepth = 128;
  BFloat16 rounded[kPanelColumns * kDepth];
  for (int64_t p = 0; p < depth; p += kDepth) {
    const int64_t here = std::min(kDepth, depth - p);
    for (int64_t c = 0; c < columns; ++c) {
      fetch(from + (c + kRowsAhead / 2) * b.stride + p, here);
      round_row(from + c * b.stride + p, rounded + c * kDepth, here);
    }
    rows_to_columns(rounded, kDepth, columns, here, to + p * width, width);
  }
}

template <class Number>
void strips_of(const Operand<Number>& a, int64_t first, int64_t rows, int64_t k, int64_t depth, Number* to) {
  const int64_t strip = kStripRows * round_up(depth, kCellNumbers<Number>);
  const Number* from = origin(a, first, k);
  if (a.contracted == Contracted::kWithinRows) {
    for (int64_t r = 0; r < rows; r += kStripRows, to += strip)
      rows_to_columns(from + r * a.stride, a.stride, std::min(kStripRows, rows - r), depth, to, kStripRows);
  } else if constexpr (std::is_same_v<Number, BFloat16>) {
    for (int64_t p = 0; p < depth; p += 2, from += 2 * a.stride, to += 2 * kStripRows) {
      fetch_two_rows(from, a.stride, rows);
      strip_cells(from, row_below(from, a.stride, p + 1 < depth), rows, to, strip);
    }
  } else {
    for (int64_t p = 0; p < depth; ++p, from += a.stride, to += kStripRows)
      cells_of_row<kStripRows>(from, rows, to, strip);
  }
}

}  // namespace

void pack_panel(const Operand<float>& b, int64_t first, int64_t columns, int64_t k, int64_t depth, float* to) {
  panel_of(b, first, columns, k, depth, to);
}
void pack_panel(const Operand<BFloat16>& b, int64_t first, int64_t columns, int64_t k, int64_t depth, BFloat16* to) {
  panel_of(b, first, columns, k, depth, to);
}
void pack_panel(const Operand<float>& b, int64_t first, int64_t columns, int64_t k, int64_t depth, BFloat16* to) {
  rounded_panel(b, first, columns, k, depth, to);
}
void pack_strips(const Operand<float>& a, int64_t first, int64_t rows, int64_t k, int64_t depth, float* to) {
  strips_of(a, first, rows, k, depth, to);
}
void pack_strips(const Operand<BFloat16>& a, int64_t first, int64_t rows, int64_t k, int64_t depth, BFloat16* to) {
  strips_of(a, first, rows, k, depth, to);
}

}  // namespace limbeck::kernels
