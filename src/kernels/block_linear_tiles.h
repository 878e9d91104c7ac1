// The product of a few rows with a panel of columns whose weights stand in blocks. A step multiplies four successive
// integers of a column with four of x; the sums of a block are exact int32, and the chain over blocks is in fp32, in
// order, whatever the shape of the tile.
#pragma once

#include "kernels/half.h"
#include "kernels/instruction_sets.h"
#include "kernels/lanes.h"
#include "kernels/packed_linear_tiles.h"  // write_row

namespace limbeck::kernels {
namespace {

#if defined(LIMBECK_AVX512)
constexpr int kBlockTileRows = 4;  // x 3 vectors of 16: 12 registers of int32 sums, 12 of fp32 ones
#else
constexpr int kBlockTileRows = 1;
#endif
constexpr int64_t kSteps = kBlockNumbers / 4;  // of a block

typedef uint8_t ByteLanes __attribute__((vector_size(kLanes * 4)));  // four successive numbers of each column

[[gnu::always_inline]] inline ByteLanes load_bytes(const uint8_t* from) {
  ByteLanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}
[[gnu::always_inline]] inline IntLanes splat_int(int32_t value) {
  return value - IntLanes{};
}
[[gnu::always_inline]] inline int32_t four_of(const int8_t* x) {
  int32_t four;
  std::memcpy(&four, x, sizeof(four));
  return four;
}

[[gnu::always_inline]] inline Lanes load_halves(const uint16_t* from) {
#if defined(LIMBECK_AVX512)
  return (Lanes)_mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#elif defined(LIMBECK_AVX2)
  return (Lanes)_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#else
  Lanes lanes;
  for (int i = 0; i < kLanes; ++i) lanes[i] = to_float(Half{from[i]});
  return lanes;
#endif
}

// sums + Σ of four w·x, w from 0 to 15.
[[gnu::always_inline]] inline IntLanes add_small(IntLanes sums, ByteLanes w, int32_t x) {
#if defined(LIMBECK_AVX512)
  return (IntLanes)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)w, _mm512_set1_epi32(x));
#elif defined(LIMBECK_AVX2_VNNI)
  return (IntLanes)_mm256_dpbusd_avx_epi32((__m256i)sums, (__m256i)w, _mm256_set1_epi32(x));
#elif defined(LIMBECK_AVX2)
  const __m256i pairs = _mm256_maddubs_epi16((__m256i)w, _mm256_set1_epi32(x));
  return sums + (IntLanes)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#else
  // Products of 0..255 with -127..127 fit 16 bits: numbers 0 and 2 of the four side by side, then 1 and 3.
  typedef int16_t PairLanes __attribute__((vector_size(kLanes * 4)));
  const auto number = [&](int i) { return static_cast<int32_t>(static_cast<int8_t>(x >> 8 * i)); };
  const auto pair = [&](int i) { return (PairLanes)splat_int((number(i) & 0xffff) | number(i + 2) * 65536); };
  const PairLanes even = (PairLanes)((BitLanes)w & 0x00ff00ffu) * pair(0);
  const PairLanes odd = (PairLanes)((BitLanes)w >> 8 & 0x00ff00ffu) * pair(1);
  sums += ((IntLanes)even >> 16) + ((IntLanes)odd >> 16);
  return sums + ((IntLanes)((BitLanes)even << 16) >> 16) + ((IntLanes)((BitLanes)odd << 16) >> 16);
#endif
}

// Weights of 8 bits stand as w + 128. What the 128 adds is known before: x_offsets holds it.
struct Q8Block {
  static constexpr int64_t kStepsStored = kSteps;  // steps whose weights stand in memory
#if defined(LIMBECK_AVX2) && !defined(LIMBECK_AVX2_VNNI)
  // Pairs of products of 0..255 would not fit 16 bits, so the sign moves from w to x.
  static constexpr bool kOffset = false;
  struct Column {
    __m256i size, value;
  };
  [[gnu::always_inline]] static Column column(ByteLanes bytes) {
    const __m256i value = _mm256_xor_si256((__m256i)bytes, _mm256_set1_epi8(-128));
    return {_mm256_abs_epi8(value), value};
  }
  [[gnu::always_inline]] static IntLanes add(IntLanes sums, const Column& w, const int8_t* x) {
    const __m256i pairs = _mm256_maddubs_epi16(w.size, _mm256_sign_epi8(_mm256_set1_epi32(four_of(x)), w.value));
    return sums + (IntLanes)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  }
#else
  static constexpr bool kOffset = true;
  using Column = ByteLanes;
  [[gnu::always_inline]] static Column column(ByteLanes bytes) {
    return bytes;
  }
  [[gnu::always_inline]] static IntLanes add(IntLanes sums, Column w, const int8_t* x) {
    return add_small(sums, w, four_of(x));
  }
#endif
};

// Weights of 4 bits stand as w + 8, that of step s in the lower half of a byte and that of step s + 4 in the upper.
struct Q4Block {
  static constexpr int64_t kStepsStored = kSteps / 2;
  static constexpr bool kOffset = true;
  struct Column {
    ByteLanes lower, upper;
  };
  [[gnu::always_inline]] static Column column(ByteLanes bytes) {
    return {bytes & 15, (ByteLanes)((BitLanes)bytes >> 4) & 15};
  }
  [[gnu::always_inline]] static IntLanes add(IntLanes sums, const Column& w, const int8_t* x) {
    return add_small(add_small(sums, w.lower, four_of(x)), w.upper, four_of(x + kBlockNumbers / 2));
  }
};

template <class Block, int kRows, int kVectors>
[[gnu::noinline]] void multiply_block_tile(const BlockPanel& task, int64_t row, const uint8_t* fetch,
                                           int64_t fetch_step) {
  constexpr int64_t kStepBytes = kVectors * kLanes * 4;
  Lanes totals[kRows][kVectors] = {};
  const uint8_t* panel = task.panel;
  const uint16_t* scales = task.scales;
  const int64_t first = row * task.num_blocks;
  for (int64_t block = 0; block < task.num_blocks; ++block) {
    for (int64_t line = 0; line < fetch_step; line += 64) __builtin_prefetch(fetch + line, 0, 2);
    fetch += fetch_step;
    IntLanes sums[kRows][kVectors];
    const int8_t* x[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const int64_t place = first + r * task.num_blocks + block;
      x[r] = task.x + place * kBlockNumbers;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[r][v] = Block::kOffset ? splat_int(task.x_offsets[place]) : IntLanes{};
    }
#pragma GCC unroll 8
    for (int64_t step = 0; step < Block::kStepsStored; ++step) {
      typename Block::Column columns[kVectors];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v)
        columns[v] = Block::column(load_bytes(panel + step * kStepBytes + v * kLanes * 4));
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) sums[r][v] = Block::add(sums[r][v], columns[v], x[r] + step * 4);
      }
    }
    panel += Block::kStepsStored * kStepBytes;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      const Lanes scale = load_halves(scales + v * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r)
        totals[r][v] +=
            __builtin_convertvector(sums[r][v], Lanes) * (scale * task.x_scales[first + r * task.num_blocks + block]);
    }
    scales += kVectors * kLanes;
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) write_row<kVectors>(task, row + r, totals[r]);
}

template <class Block, int kRows, int kVectors>
[[gnu::always_inline]] inline void multiply_block_rest(const BlockPanel& task, int64_t row) {
  if constexpr (kRows > 0) {
    if (task.rows - row == kRows) return multiply_block_tile<Block, kRows, kVectors>(task, row, task.panel, 0);
    multiply_block_rest<Block, kRows - 1, kVectors>(task, row);
  }
}

template <class Block, int kVectors>
void multiply_block_rows(const BlockPanel& task) {
  const int64_t num_tiles = task.rows / kBlockTileRows;
  // As for packed weights: with each tile an equal share of the next panel is fetched.
  const int64_t share =
      num_tiles >= kSplitFetch && task.next ? Block::kStepsStored * kVectors * kLanes * 4 / num_tiles : 0;
  for (int64_t tile = 0; tile < num_tiles; ++tile) {
    const uint8_t* fetch = (share > 0 ? task.next : task.panel) + tile * share * task.num_blocks;
    multiply_block_tile<Block, kBlockTileRows, kVectors>(task, tile * kBlockTileRows, fetch, share);
  }
  multiply_block_rest<Block, kBlockTileRows - 1, kVectors>(task, num_tiles * kBlockTileRows);
}

template <class Block>
void multiply_block_panel(const BlockPanel& task) {
  if (task.columns > 2 * kBlock) return multiply_block_rows<Block, 3 * kSplit>(task);
  if (task.columns > kBlock) return multiply_block_rows<Block, 2 * kSplit>(task);
  multiply_block_rows<Block, kSplit>(task);
}

[[gnu::always_inline]] inline Lanes load_wide(const float* from) {
  return load(from);
}
[[gnu::always_inline]] inline Lanes load_wide(const BFloat16* from) {
  typedef uint16_t ShortLanes __attribute__((vector_size(kLanes * 2)));
  ShortLanes shorts;
  std::memcpy(&shorts, from, sizeof(shorts));
  return (Lanes)(__builtin_convertvector(shorts, BitLanes) << 16);
}

// One block of a row: integers of -127 to 127, their scale and `zero` times the sum of the integers.
template <class From>
[[gnu::always_inline]] inline void quantise_block(const From* x, int32_t zero, int8_t* integers, float* scale,
                                                  int32_t* offset) {
  constexpr int kVectors = kBlockNumbers / kLanes;
  typedef int8_t SmallLanes __attribute__((vector_size(kLanes)));
  Lanes numbers[kVectors];
  BitLanes most = {};  // as bits, sizes are in order, and a NaN is above infinity
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    numbers[v] = load_wide(x + v * kLanes);
    const BitLanes size = (BitLanes)numbers[v] & 0x7fffffffu;
    most = size > most ? size : most;
  }
#pragma GCC unroll 4
  for (int distance = kLanes / 2; distance > 0; distance /= 2) {
    const BitLanes other = (BitLanes)swapped((Lanes)most, distance);
    most = most > other ? most : other;
  }
  const float largest = std::bit_cast<float>(static_cast<uint32_t>(most[0]));
  const bool finite = most[0] < 0x7f800000u, tiny = largest < 1e-30f;
  const float inverse = finite && !tiny ? 127 / largest : 0;
  *scale = !finite ? std::numeric_limits<float>::quiet_NaN() : (tiny ? 0 : largest / 127);
  IntLanes sums = {};
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    // Adding 1.5 * 2^23 rounds to the nearest whole number, which stands in the low bits; 0 where inverse is 0.
    const Lanes shifted = (finite ? numbers[v] : Lanes{}) * inverse + 12582912.0f;
    const IntLanes rounded = (IntLanes)shifted - 0x4b400000;
    sums += rounded;
    const SmallLanes small = __builtin_convertvector(rounded, SmallLanes);
    std::memcpy(integers + v * kLanes, &small, sizeof(small));
  }
  int32_t sum = 0;
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) sum += sums[i];
  *offset = -zero * sum;
}

template <class From>
void quantise_row(const From* x, int64_t k, int32_t zero, int8_t* integers, float* scales, int32_t* offsets) {
  int64_t block = 0;
  for (; (block + 1) * kBlockNumbers <= k; ++block)
    quantise_block(x + block * kBlockNumbers, zero, integers + block * kBlockNumbers, scales + block, offsets + block);
  if (block * kBlockNumbers == k) return;
  From last[kBlockNumbers] = {};
  for (int64_t i = block * kBlockNumbers; i < k; ++i) last[i - block * kBlockNumbers] = x[i];
  quantise_block(last, zero, integers + block * kBlockNumbers, scales + block, offsets + block);
}

}  // namespace
}  // namespace limbeck::kernels
