// A few rows times one panel of columns, held in registers over the whole of what is contracted here: the inner loop of
// kernels/matrix_product.cpp. Every output is one chain of multiply-adds in the order of k, whatever the shape of the
// tile it was computed in, and a chain that was cut in two goes on with the same bits.
#pragma once

#include "kernels/instruction_sets.h"
#include "kernels/lanes.h"
#include "kernels/packed_linear_tiles.h"  // kTileRows, store_rounded

namespace limbeck::kernels {
namespace {

template <int kVectors>
[[gnu::always_inline]] inline void begin_row(const ProductTile& task, int64_t row, Lanes* sums) {
  if (!task.start) return;
  const float* from = task.start + row * task.start_stride;
  if (task.columns == kVectors * kLanes) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[v] = load(from + v * kLanes);
    return;
  }
  float values[kVectors * kLanes] = {};
  for (int64_t c = 0; c < task.columns; ++c) values[c] = from[c];
  for (int v = 0; v < kVectors; ++v) sums[v] = load(values + v * kLanes);
}

template <int kVectors>
[[gnu::always_inline]] inline void end_row(const ProductTile& task, int64_t row, const Lanes* sums) {
  float* c = task.c ? task.c + row * task.c_stride : nullptr;
  BFloat16* low = task.c ? nullptr : task.c_low + row * task.c_stride;
  if (task.columns == kVectors * kLanes) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Lanes value = task.bias ? sums[v] + load(task.bias + v * kLanes) : sums[v];
      if (c) {
        store(c + v * kLanes, value);
      } else {
        store_rounded(low + v * kLanes, value);
      }
    }
    return;
  }
  float values[kVectors * kLanes];
  for (int v = 0; v < kVectors; ++v) store(values + v * kLanes, sums[v]);
  for (int64_t i = 0; i < task.columns; ++i) {
    const float value = values[i] + (task.bias ? task.bias[i] : 0.0f);
    if (c) {
      c[i] = value;
    } else {
      low[i] = to_bfloat16(value);
    }
  }
}

// The lines of the result that the tile after this one adds to or writes: from memory they take longer than the store
// buffers can hide. The last tile of a panel is followed by the first one of the next.
template <int kRows, int kVectors>
[[gnu::always_inline]] inline void fetch_result(const ProductTile& task, int64_t row) {
  const bool last = row + kRows >= task.rows;
  const int64_t size = task.c ? sizeof(float) : sizeof(BFloat16), stride = task.c_stride * size;
  const char* c = task.c ? reinterpret_cast<const char*>(task.c) : reinterpret_cast<const char*>(task.c_low);
  c += last ? kVectors * kLanes * size : (row + kRows) * stride;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
    for (int64_t b = 0; b < kVectors * kLanes * size; b += 64) __builtin_prefetch(c + r * stride + b, 1, 3);
}

// kPacked: rows stand in strips of kStripRows, cell beside cell; otherwise each row is a run of numbers.
template <class Cell, bool kPacked, int kRows, int kVectors>
[[gnu::noinline]] void product_tile(const ProductTile& task, int64_t row, const char* fetch, int64_t fetch_step) {
  using Number = typename Cell::Number;
  Lanes sums[kRows][kVectors] = {};
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) begin_row<kVectors>(task, row + r, sums[r]);
  fetch_result<kRows, kVectors>(task, row);
  const Number* panel = static_cast<const Number*>(task.panel);
  const Number* a = static_cast<const Number*>(task.a);
  const Number* strip = a + (row / kStripRows * kStripRows * task.num_cells + row % kStripRows) * Cell::kNumbers;
  const Number* rows[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) rows[r] = a + (row + r) * task.a_stride;
  for (int64_t cell = 0; cell < task.num_cells; ++cell) {
    __builtin_prefetch(fetch, 0, 2);
    fetch += fetch_step;
    typename Cell::Column columns[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) columns[v] = Cell::column(panel + v * kLanes * Cell::kNumbers);
    panel += kVectors * kLanes * Cell::kNumbers;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Number* x = kPacked ? strip + r * Cell::kNumbers : rows[r] + cell * Cell::kNumbers;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[r][v] = Cell::multiply_add(sums[r][v], x, columns[v]);
    }
    strip += kStripRows * Cell::kNumbers;
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) end_row<kVectors>(task, row + r, sums[r]);
}

template <class Cell, bool kPacked, int kRows, int kVectors>
[[gnu::always_inline]] inline void product_rest(const ProductTile& task, int64_t row) {
  if constexpr (kRows > 0) {
    if (task.rows - row == kRows)
      return product_tile<Cell, kPacked, kRows, kVectors>(task, row, static_cast<const char*>(task.panel), 0);
    product_rest<Cell, kPacked, kRows - 1, kVectors>(task, row);
  }
}

template <class Cell, bool kPacked, int kVectors>
void product_rows(const ProductTile& task) {
  const int64_t num_tiles = task.rows / kTileRows;
  // The next panel is fetched while this one's tiles are computed, an equal share with each; at most a line a cell.
  const int64_t share = num_tiles >= kSplitFetch && task.next ? kVectors * kLanes * 4 / num_tiles : 0;
  for (int64_t tile = 0; tile < num_tiles; ++tile) {
    const char* fetch = static_cast<const char*>(share > 0 ? task.next : task.panel) + tile * share * task.num_cells;
    product_tile<Cell, kPacked, kTileRows, kVectors>(task, tile * kTileRows, fetch, share);
  }
  product_rest<Cell, kPacked, kTileRows - 1, kVectors>(task, num_tiles * kTileRows);
}

template <class Cell, bool kPacked>
void product_columns(const ProductTile& task) {
  if (task.columns > 2 * kBlock) return product_rows<Cell, kPacked, 3 * kSplit>(task);
  if (task.columns > kBlock) return product_rows<Cell, kPacked, 2 * kSplit>(task);
  product_rows<Cell, kPacked, kSplit>(task);
}

template <class Cell>
void multiply_product_tile(const ProductTile& task) {
  if (task.packed) return product_columns<Cell, true>(task);
  product_columns<Cell, false>(task);
}

}  // namespace
}  // namespace limbeck::kernels
