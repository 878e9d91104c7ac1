// The product of a few rows with a panel of columns, held in registers over the whole of k. Every output is one chain
// of multiply-adds in the order of k, whatever the shape of the tile it was computed in.
#pragma once

#include "kernels/instruction_sets.h"
#include "kernels/lanes.h"

namespace limbeck::kernels {
namespace {

#if defined(LIMBECK_AVX512)
constexpr int kTileRows = 8;  // x 3 vectors of 16: 24 of 32 registers hold sums
#elif defined(LIMBECK_AVX2)
constexpr int kTileRows = 2;  // x 6 vectors of 8: 12 of 16
#else
constexpr int kTileRows = 1;
#endif

[[gnu::always_inline]] inline void store_rounded(BFloat16* to, Lanes lanes) {
#if defined(LIMBECK_AVX512)
  const __m256bh low = _mm512_cvtneps_pbh((__m512)lanes);
  std::memcpy(&to->bits, &low, sizeof(low));
#else
  const BitLanes bits = (BitLanes)lanes;
  const BitLanes rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const BitLanes nan = (bits >> 16) | 0x40u;
  const BitLanes chosen = (bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded;
  for (int i = 0; i < kLanes; ++i) to[i].bits = static_cast<uint16_t>(chosen[i]);
#endif
}

[[maybe_unused]] void round_to_bfloat16(const float* from, BFloat16* to, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store_rounded(to + i, load(from + i));
  for (; i < count; ++i) to[i] = to_bfloat16(from[i]);
}

// Writes the sums of one row. Task: LinearPanel, BlockPanel or Int8Panel.
template <int kVectors, class Task>
[[gnu::always_inline]] inline void write_row(const Task& task, int64_t row, const Lanes* sums) {
  if (task.columns == kVectors * kLanes) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      Lanes value = task.bias ? sums[v] + load(task.bias + v * kLanes) : sums[v];
      if (task.gelu) value = gelu(value);
      if (task.y) {
        store(task.y + row * task.y_stride + v * kLanes, value);
      } else {
        store_rounded(task.y_low + row * task.y_stride + v * kLanes, value);
      }
    }
    return;
  }
  float values[kVectors * kLanes];
  for (int v = 0; v < kVectors; ++v) store(values + v * kLanes, sums[v]);
  for (int64_t c = 0; task.bias && c < task.columns; ++c) values[c] += task.bias[c];
  for (int v = 0; task.gelu && v < kVectors; ++v) store(values + v * kLanes, gelu(load(values + v * kLanes)));
  for (int64_t c = 0; c < task.columns; ++c) {
    const float value = values[c];
    if (task.y) {
      task.y[row * task.y_stride + c] = value;
    } else {
      task.y_low[row * task.y_stride + c] = to_bfloat16(value);
    }
  }
}

template <class Cell, int kRows, int kVectors>
[[gnu::noinline]] void multiply_tile(const LinearPanel& task, int64_t row, const char* fetch, int64_t fetch_step) {
  using Number = typename Cell::Number;
  Lanes sums[kRows][kVectors] = {};
  const Number* panel = static_cast<const Number*>(task.panel);
  const Number* x[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) x[r] = static_cast<const Number*>(task.x) + (row + r) * task.x_stride;
  for (int64_t cell = 0; cell < task.num_cells; ++cell) {
    __builtin_prefetch(fetch, 0, 2);
    fetch += fetch_step;
    typename Cell::Column columns[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) columns[v] = Cell::column(panel + v * kLanes * Cell::kNumbers);
    panel += kVectors * kLanes * Cell::kNumbers;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        sums[r][v] = Cell::multiply_add(sums[r][v], x[r] + cell * Cell::kNumbers, columns[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) write_row<kVectors>(task, row + r, sums[r]);
}

template <class Cell, int kRows, int kVectors>
[[gnu::always_inline]] inline void multiply_rest(const LinearPanel& task, int64_t row) {
  if constexpr (kRows > 0) {
    if (task.rows - row == kRows)
      return multiply_tile<Cell, kRows, kVectors>(task, row, static_cast<const char*>(task.panel), 0);
    multiply_rest<Cell, kRows - 1, kVectors>(task, row);
  }
}

constexpr int64_t kSplitFetch = 3;  // tiles

template <class Cell, int kVectors>
void multiply_rows(const LinearPanel& task) {
  const int64_t num_tiles = task.rows / kTileRows;
  // While the tiles of this panel are computed, the next one is fetched, an equal share with each tile: at most one
  // line a cell, so only where there are enough tiles (with fewer, the time is the memory's in any case).
  const int64_t share = num_tiles >= kSplitFetch && task.next ? kVectors * kLanes * 4 / num_tiles : 0;
  for (int64_t tile = 0; tile < num_tiles; ++tile) {
    const char* fetch = static_cast<const char*>(share > 0 ? task.next : task.panel) + tile * share * task.num_cells;
    multiply_tile<Cell, kTileRows, kVectors>(task, tile * kTileRows, fetch, share);
  }
  multiply_rest<Cell, kTileRows - 1, kVectors>(task, num_tiles * kTileRows);
}

template <class Cell>
void multiply_panel(const LinearPanel& task) {
  if (task.columns > 2 * kBlock) return multiply_rows<Cell, 3 * kSplit>(task);
  if (task.columns > kBlock) return multiply_rows<Cell, 2 * kSplit>(task);
  multiply_rows<Cell, kSplit>(task);
}

}  // namespace
}  // namespace limbeck::kernels
