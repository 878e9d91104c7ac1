// The product of a few rows with a panel of columns of 8-bit weights, sums in int32 registers over the whole of k.
#pragma once

#include "kernels/block_linear_tiles.h"  // Q8Block, load_wide
#include "kernels/instruction_sets.h"
#include "kernels/lanes.h"
#include "kernels/packed_linear_tiles.h"  // kTileRows, write_row

namespace limbeck::kernels {
namespace {

template <int kRows, int kVectors>
[[gnu::noinline]] void multiply_int8_tile(const Int8Panel& task, int64_t row, const uint8_t* fetch,
                                          int64_t fetch_step) {
  IntLanes sums[kRows][kVectors];
  const int8_t* x[kRows];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    x[r] = task.x + (row + r) * task.num_steps * 4;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[r][v] = Q8Block::kOffset ? splat_int(task.x_offsets[row + r]) : IntLanes{};
  }
  const uint8_t* panel = task.panel;
  for (int64_t step = 0; step < task.num_steps; ++step) {
    __builtin_prefetch(fetch, 0, 2);
    fetch += fetch_step;
    typename Q8Block::Column columns[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) columns[v] = Q8Block::column(load_bytes(panel + v * kLanes * 4));
    panel += kVectors * kLanes * 4;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[r][v] = Q8Block::add(sums[r][v], columns[v], x[r] + step * 4);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    Lanes totals[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
      totals[v] =
          __builtin_convertvector(sums[r][v], Lanes) * (load(task.scales + v * kLanes) * task.x_scales[row + r]);
    write_row<kVectors>(task, row + r, totals);
  }
}

template <int kRows, int kVectors>
[[gnu::always_inline]] inline void multiply_int8_rest(const Int8Panel& task, int64_t row) {
  if constexpr (kRows > 0) {
    if (task.rows - row == kRows) return multiply_int8_tile<kRows, kVectors>(task, row, task.panel, 0);
    multiply_int8_rest<kRows - 1, kVectors>(task, row);
  }
}

template <int kVectors>
void multiply_int8_rows(const Int8Panel& task) {
  const int64_t num_tiles = task.rows / kTileRows;
  // As for packed weights: with each tile an equal share of the next panel is fetched.
  const int64_t share = num_tiles >= kSplitFetch && task.next ? kVectors * kLanes * 4 / num_tiles : 0;
  for (int64_t tile = 0; tile < num_tiles; ++tile) {
    const uint8_t* fetch = (share > 0 ? task.next : task.panel) + tile * share * task.num_steps;
    multiply_int8_tile<kTileRows, kVectors>(task, tile * kTileRows, fetch, share);
  }
  multiply_int8_rest<kTileRows - 1, kVectors>(task, num_tiles * kTileRows);
}

[[maybe_unused]] void multiply_int8_panel(const Int8Panel& task) {
  if (task.columns > 2 * kBlock) return multiply_int8_rows<3 * kSplit>(task);
  if (task.columns > kBlock) return multiply_int8_rows<2 * kSplit>(task);
  multiply_int8_rows<kSplit>(task);
}

// Lanes of integers in the low bits of what adding 1.5 * 2^23 made of numbers within ±2^22.
[[gnu::always_inline]] inline IntLanes rounded_lanes(Lanes numbers) {
  return (IntLanes)(numbers + 12582912.0f) - 0x4b400000;
}

// The largest |x| of a row as bits: sizes are in their order, and a NaN is above infinity.
template <class From>
[[gnu::always_inline]] inline uint32_t largest_bits(const From* x, int64_t k) {
  BitLanes most = {};
  int64_t i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    const BitLanes size = (BitLanes)load_wide(x + i) & 0x7fffffffu;
    most = size > most ? size : most;
  }
  uint32_t result = 0;
  for (int lane = 0; lane < kLanes; ++lane) result = most[lane] > result ? most[lane] : result;
  for (; i < k; ++i) {
    From one[kLanes] = {};
    one[0] = x[i];
    const uint32_t size = ((BitLanes)load_wide(one))[0] & 0x7fffffffu;
    result = size > result ? size : result;
  }
  return result;
}

// Writes kLanes integers; returns them.
[[gnu::always_inline]] inline IntLanes round_lanes(Lanes numbers, float inverse, int8_t* to) {
  typedef int8_t SmallLanes __attribute__((vector_size(kLanes)));
  const IntLanes integers = rounded_lanes(numbers * inverse);
  const SmallLanes small = __builtin_convertvector(integers, SmallLanes);
  std::memcpy(to, &small, sizeof(small));
  return integers;
}

// x [k] -> integers [k rounded up to 4], their scale and -zero times their sum. A row with a NaN or an infinity has NaN
// for its scale.
template <class From>
void quantise_whole_row(const From* x, int64_t k, int32_t zero, int8_t* integers, float* scale, int32_t* offset) {
  const uint32_t most = largest_bits(x, k);
  const float largest = std::bit_cast<float>(most);
  const int64_t whole = k / kLanes * kLanes, end = (k + 3) / 4 * 4;
  if (most >= 0x7f800000u || largest < 1e-30f) {
    std::memset(integers, 0, static_cast<std::size_t>(end));
    *scale = largest < 1e-30f ? 0 : std::numeric_limits<float>::quiet_NaN();
    *offset = 0;
    return;
  }
  const float inverse = 127 / largest;
  *scale = largest / 127;
  IntLanes sums = {};
  for (int64_t i = 0; i < whole; i += kLanes) sums += round_lanes(load_wide(x + i), inverse, integers + i);
  if (whole < k) {
    From last[kLanes] = {};
    int8_t small[kLanes];
    for (int64_t i = whole; i < k; ++i) last[i - whole] = x[i];
    sums += round_lanes(load_wide(last), inverse, small);
    std::memcpy(integers + whole, small, static_cast<std::size_t>(end - whole));
  }
  int32_t sum = 0;
#pragma GCC unroll 16
  for (int lane = 0; lane < kLanes; ++lane) sum += sums[lane];
  *offset = -zero * sum;
}

}  // namespace
}  // namespace limbeck::kernels
