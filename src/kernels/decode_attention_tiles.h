// A few rows of queries against a run of blocks: scores, online softmax, weighted values; sums stay in registers.
#pragma once

#include "kernels/instruction_sets.h"
#include "kernels/packed_linear_tiles.h"  // store_rounded

namespace limbeck::kernels {
namespace {

#if defined(LIMBECK_AVX512)
constexpr int kAttentionRows = 6, kAttentionBlocks = 4;  // 24 of 32 registers hold sums
#elif defined(LIMBECK_AVX2)
constexpr int kAttentionRows = 2, kAttentionBlocks = 2;
#else
constexpr int kAttentionRows = 2, kAttentionBlocks = 1;
#endif
constexpr int64_t kChunkBlocks = 16;  // softmax is renewed every 256 positions
constexpr int64_t kChunk = kChunkBlocks * kBlock;

[[gnu::always_inline]] inline void store_probabilities(float* to, Lanes p) {
  store(to, p);
}
[[gnu::always_inline]] inline void store_probabilities(BFloat16* to, Lanes p) {
  store_rounded(to, p);
}

// sums[r][v] += x[r] · columns over num_cells cells that stand `step` numbers apart.
template <class Cell, int kRows, int kVectors>
struct Tile {
  using Number = typename Cell::Number;
  Lanes sums[kRows][kVectors];

  // starts[b]: where the columns of block b begin.
  [[gnu::always_inline]] void add(const Number* const* x, const Number* const* starts, int64_t step,
                                  int64_t num_cells) {
    for (int64_t cell = 0; cell < num_cells; ++cell) {
      typename Cell::Column columns[kVectors];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        columns[v] = Cell::column(starts[v / kSplit] + cell * step + v % kSplit * kLanes * Cell::kNumbers);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v)
          sums[r][v] = Cell::multiply_add(sums[r][v], x[r] + cell * Cell::kNumbers, columns[v]);
      }
    }
  }
};

// Scores of kRows queries with kBlocks blocks of keys -> scores[r][0 .. kBlocks*16), scaled.
template <class Cell, int kRows, int kBlocks>
[[gnu::noinline]] void score_blocks(const AttentionRows& task, int64_t row, int64_t block, float* scores) {
  using Number = typename Cell::Number;
  Tile<Cell, kRows, kBlocks* kSplit> tile = {};
  const Number* q[kRows];
  const Number* keys[kBlocks];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) q[r] = static_cast<const Number*>(task.q) + (row + r) * task.head_size;
#pragma GCC unroll 8
  for (int b = 0; b < kBlocks; ++b) keys[b] = reinterpret_cast<const Number*>(task.pages[block + b] + task.key_offset);
  tile.add(q, keys, kBlock * Cell::kNumbers, task.head_size / Cell::kNumbers);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kBlocks * kSplit; ++v) store(scores + r * kChunk + v * kLanes, tile.sums[r][v] * task.scale);
  }
}

// output[r][column ..] = output * shrink[r] + probabilities · values, over num_blocks blocks of positions.
template <class Cell, int kRows, int kBlocks>
[[gnu::noinline]] void add_values(const AttentionRows& task, int64_t row, int64_t column, int64_t block,
                                  int64_t num_blocks, const typename Cell::Number* probabilities, const float* shrink) {
  using Number = typename Cell::Number;
  Tile<Cell, kRows, kBlocks * kSplit> tile;
  float* output = task.output + row * task.head_size + column;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kBlocks * kSplit; ++v)
      tile.sums[r][v] = load(output + r * task.head_size + v * kLanes) * shrink[r];
  }
  for (int64_t b = 0; b < num_blocks; ++b) {
    const Number* p[kRows];
    const Number* values[kBlocks];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) p[r] = probabilities + r * kChunk + b * kBlock;
    const char* page = task.pages[block + b] + task.value_offset;
#pragma GCC unroll 8
    for (int c = 0; c < kBlocks; ++c)
      values[c] = reinterpret_cast<const Number*>(page) + (column + c * kBlock) * Cell::kNumbers;
    tile.add(p, values, task.head_size * Cell::kNumbers, kBlock / Cell::kNumbers);
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kBlocks * kSplit; ++v) store(output + r * task.head_size + v * kLanes, tile.sums[r][v]);
  }
}

template <class Cell, int kRows, int kBlocks>
[[gnu::always_inline]] inline void score_some(const AttentionRows& task, int64_t row, int64_t block, int64_t num_blocks,
                                              float* scores) {
  while (num_blocks >= kBlocks) {
    score_blocks<Cell, kRows, kBlocks>(task, row, block, scores);
    block += kBlocks, num_blocks -= kBlocks, scores += kBlocks * kBlock;
  }
  if constexpr (kBlocks > 1) score_some<Cell, kRows, kBlocks - 1>(task, row, block, num_blocks, scores);
}

template <class Cell, int kRows, int kBlocks>
[[gnu::always_inline]] inline void add_some(const AttentionRows& task, int64_t row, int64_t column, int64_t block,
                                            int64_t num_blocks, const typename Cell::Number* probabilities,
                                            const float* shrink) {
  while (task.head_size - column >= kBlocks * kBlock) {
    add_values<Cell, kRows, kBlocks>(task, row, column, block, num_blocks, probabilities, shrink);
    column += kBlocks * kBlock;
  }
  if constexpr (kBlocks > 1)
    add_some<Cell, kRows, kBlocks - 1>(task, row, column, block, num_blocks, probabilities, shrink);
}

// Scores of one row -> probabilities relative to the largest score so far; returns what earlier sums shrink by.
template <class Number>
float renew_softmax(const AttentionRows& task, int64_t row, int64_t first, int64_t num_blocks, float* scores,
                    Number* probabilities) {
  const int64_t count = num_blocks * kBlock, begin = task.begin[row], end = task.end[row];
  if (task.softcap > 0)
    for (int64_t i = 0; i < count; i += kLanes)
      store(scores + i, hyperbolic_tangent(load(scores + i) * (1 / task.softcap)) * task.softcap);
  for (int64_t i = 0; i < count && first + i < begin; ++i) scores[i] = -std::numeric_limits<float>::infinity();
  for (int64_t i = end > first ? end - first : 0; i < count; ++i) scores[i] = -std::numeric_limits<float>::infinity();
  Lanes peak = splat(task.largest[row]);
  for (int64_t i = 0; i < count; i += kLanes) peak = larger(peak, load(scores + i));
  const float before = task.largest[row], now = largest(peak);
  const float shift = now == -std::numeric_limits<float>::infinity() ? 0.0f : now;
  Lanes sums = {};
  for (int64_t i = 0; i < count; i += kLanes) {
    const Lanes p = exponential(load(scores + i) - shift);
    sums += p;
    store_probabilities(probabilities + i, p);
  }
  const float shrink = exponential(splat(before - shift))[0];
  task.largest[row] = now;
  task.total[row] = task.total[row] * shrink + sum_of(sums);
  return shrink;
}

template <class Cell, int kRows>
void attend_tile(const AttentionRows& task, int64_t row) {
  alignas(64) float scores[kRows * kChunk];
  alignas(64) typename Cell::Number probabilities[kRows * kChunk];
  int64_t begin = task.begin[row], end = task.end[row];
  for (int r = 1; r < kRows; ++r) {
    begin = task.begin[row + r] < begin ? task.begin[row + r] : begin;
    end = task.end[row + r] > end ? task.end[row + r] : end;
  }
  const int64_t last_block = (end + kBlock - 1) / kBlock;
  int64_t block = begin / kBlock;
  while (block < last_block) {
    const int64_t chunk_end = (block / kChunkBlocks + 1) * kChunkBlocks;
    const int64_t num_blocks = (chunk_end < last_block ? chunk_end : last_block) - block;
    score_some<Cell, kRows, kAttentionBlocks>(task, row, block, num_blocks, scores);
    float shrink[kRows];
    for (int r = 0; r < kRows; ++r)
      shrink[r] =
          renew_softmax(task, row + r, block * kBlock, num_blocks, scores + r * kChunk, probabilities + r * kChunk);
    add_some<Cell, kRows, kAttentionBlocks>(task, row, 0, block, num_blocks, probabilities, shrink);
    block += num_blocks;
  }
}

template <class Cell, int kRows>
[[gnu::always_inline]] inline void attend_rest(const AttentionRows& task, int64_t row) {
  if constexpr (kRows > 0) {
    if (task.rows - row == kRows) return attend_tile<Cell, kRows>(task, row);
    attend_rest<Cell, kRows - 1>(task, row);
  }
}

template <class Cell>
void attend_rows(const AttentionRows& task) {
  int64_t row = 0;
  for (; row + kAttentionRows <= task.rows; row += kAttentionRows) attend_tile<Cell, kAttentionRows>(task, row);
  attend_rest<Cell, kAttentionRows - 1>(task, row);
}

}  // namespace
}  // namespace limbeck::kernels
