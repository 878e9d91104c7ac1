#include "kernels/block_linear.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/aligned.h"
#include "kernels/half.h"
#include "kernels/instruction_sets.h"
#include "kernels/weight_memory.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kRowsAtOnce = 256;                 // of x, so that they stay in the cache while the panels pass by
constexpr int64_t kWorthThreads = int64_t{1} << 18;  // multiply-adds
constexpr int64_t kWorthSharing = int64_t{1} << 12;  // numbers of x; fewer are rounded by each thread for itself

// Rows of x as the panels want them.
struct Rounded {
  AlignedVector<int8_t> integers;
  AlignedVector<float> scales;
  AlignedVector<int32_t> offsets;

  void resize(int64_t num_blocks) {
    const auto count = static_cast<std::size_t>(num_blocks);
    if (scales.size() >= count) return;
    integers.resize(count * kBlockNumbers), scales.resize(count), offsets.resize(count);
  }
};

Rounded& rounded_of_thread() {
  static thread_local Rounded rounded;
  return rounded;
}

// Columns stand in panels of 48, the last panel padded to a multiple of 16.
class BlockWeight final : public PackedWeight {
 public:
  BlockWeight(const std::byte* blocks, int64_t n, int64_t k, BlockFormat format)
      : n_(n),
        k_(k),
        num_blocks_(blocks_of_row(k)),
        format_(format),
        memory_(take_weight_memory(static_cast<std::size_t>(padded(n) * num_blocks_ * (column_bytes() + 2)))),
        integers_(reinterpret_cast<uint8_t*>(memory_.get())),
        scales_(reinterpret_cast<uint16_t*>(memory_.get() + padded(n) * num_blocks_ * column_bytes())) {
    const int64_t num_panels = (n_ + kPanelColumns - 1) / kPanelColumns;
#pragma omp parallel for if (n * k >= kWorthThreads)
    for (int64_t p = 0; p < num_panels; ++p) fill_panel(blocks, p);
  }

  int64_t n() const override {
    return n_;
  }
  int64_t k() const override {
    return k_;
  }

  void unpack(float* w) const override {
    for (int64_t column = 0; column < n_; ++column)
      for (int64_t i = 0; i < k_; ++i) {
        const int64_t p = column / kPanelColumns, c = column % kPanelColumns, block = i / kBlockNumbers;
        const float scale = to_float(Half{panel_scales(p)[block * width(p) + c]});
        w[column * k_ + i] = static_cast<float>(integer_at(p, c, block, i % kBlockNumbers)) * scale;
      }
  }

  void multiply(const float* x, int64_t m, float* y, const Epilogue& after) const override {
    run(x, m, y, after);
  }
  void multiply(const float* x, int64_t m, BFloat16* y, const Epilogue& after) const override {
    run(x, m, y, after);
  }
  void multiply(const BFloat16* x, int64_t m, float* y, const Epilogue& after) const override {
    run(x, m, y, after);
  }
  void multiply(const BFloat16* x, int64_t m, BFloat16* y, const Epilogue& after) const override {
    run(x, m, y, after);
  }

 private:
  static int64_t padded(int64_t n) {
    return (n + 15) / 16 * 16;
  }
  int64_t width(int64_t panel) const {
    return std::min(kPanelColumns, padded(n_) - panel * kPanelColumns);
  }
  int64_t column_bytes() const {
    return bytes_of_block(format_) - 2;
  }  // of the integers of a block
  int32_t zero() const {
    return format_ == BlockFormat::kQ8_0 ? 128 : 8;
  }
  uint8_t* panel(int64_t p) const {
    return integers_ + p * kPanelColumns * num_blocks_ * column_bytes();
  }
  uint16_t* panel_scales(int64_t p) const {
    return scales_ + p * kPanelColumns * num_blocks_;
  }

  void fill_panel(const std::byte* blocks, int64_t p) {
    const int64_t bytes = column_bytes(), steps = bytes / 4;
    std::memset(panel(p), format_ == BlockFormat::kQ8_0 ? 0x80 : 0x88,
                static_cast<std::size_t>(width(p) * num_blocks_ * bytes));
    for (int64_t c = 0; c < std::min(kPanelColumns, n_ - p * kPanelColumns); ++c)
      for (int64_t block = 0; block < num_blocks_; ++block) {
        const std::byte* from = blocks + ((p * kPanelColumns + c) * num_blocks_ + block) * (bytes + 2);
        std::memcpy(panel_scales(p) + block * width(p) + c, from, 2);
        uint8_t* to = panel(p) + (block * steps * width(p) + c) * 4;
        for (int64_t step = 0; step < steps; ++step) {
          uint32_t four;
          std::memcpy(&four, from + 2 + step * 4, 4);
          if (format_ == BlockFormat::kQ8_0) four ^= 0x80808080u;  // w + 128
          std::memcpy(to + step * width(p) * 4, &four, 4);
        }
      }
  }

  int32_t integer_at(int64_t p, int64_t column, int64_t block, int64_t i) const {
    const bool whole = format_ == BlockFormat::kQ8_0;
    const int64_t byte = whole ? i : i % 16, steps = column_bytes() / 4;
    const uint8_t stored = panel(p)[((block * steps + byte / 4) * width(p) + column) * 4 + byte % 4];
    return (whole ? stored : (i < 16 ? stored & 15 : stored >> 4)) - zero();
  }

  template <class From>
  void round_rows(const From* x, int64_t begin, int64_t end, Rounded& rounded) const {
    for (int64_t r = begin; r < end; ++r) {
      int8_t* integers = rounded.integers.data() + r * num_blocks_ * kBlockNumbers;
      float* scales = rounded.scales.data() + r * num_blocks_;
      int32_t* offsets = rounded.offsets.data() + r * num_blocks_;
      if constexpr (std::is_same_v<From, float>) {
        instructions().quantise_fp32(x + r * k_, k_, zero(), integers, scales, offsets);
      } else {
        instructions().quantise_bf16(x + r * k_, k_, zero(), integers, scales, offsets);
      }
    }
  }

  template <class From, class To>
  void run(const From* x, int64_t m, To* y, const Epilogue& after) const {
    for (int64_t row = 0; row < m; row += kRowsAtOnce)
      multiply_rows(x + row * k_, std::min(kRowsAtOnce, m - row), y + row * n_, after);
  }

  template <class From, class To>
  void multiply_rows(const From* x, int64_t rows, To* y, const Epilogue& after) const {
    const bool shared = rows * k_ >= kWorthSharing;
    Rounded& of_caller = rounded_of_thread();
    if (shared) of_caller.resize(rows * num_blocks_);
#pragma omp parallel if (rows * n_ * k_ >= kWorthThreads)
    {
      const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
      Rounded& rounded = shared ? of_caller : rounded_of_thread();
      if (shared) {
        round_rows(x, rows * thread / threads, rows * (thread + 1) / threads, rounded);
#pragma omp barrier
      } else {
        rounded.resize(rows * num_blocks_);
        round_rows(x, 0, rows, rounded);
      }
      multiply_panels(rounded, rows, y, after, thread, threads);
    }
  }

  template <class To>
  void multiply_panels(const Rounded& x, int64_t rows, To* y, const Epilogue& after, int64_t thread,
                       int64_t threads) const {
    const int64_t num_panels = (n_ + kPanelColumns - 1) / kPanelColumns, end = num_panels * (thread + 1) / threads;
    const auto multiply = format_ == BlockFormat::kQ8_0 ? instructions().linear_q8_0 : instructions().linear_q4_0;
    for (int64_t p = num_panels * thread / threads; p < end; ++p) {
      const int64_t column = p * kPanelColumns;
      BlockPanel task{.x = x.integers.data(),
                      .x_scales = x.scales.data(),
                      .x_offsets = x.offsets.data(),
                      .panel = panel(p),
                      .scales = panel_scales(p),
                      .next = p + 1 < end && width(p + 1) == width(p) ? panel(p + 1) : nullptr,
                      .num_blocks = num_blocks_,
                      .rows = rows,
                      .columns = std::min(kPanelColumns, n_ - column),
                      .bias = after.bias ? after.bias + column : nullptr,
                      .gelu = after.gelu,
                      .y_stride = n_};
      if constexpr (std::is_same_v<To, float>) {
        task.y = y + column;
      } else {
        task.y_low = y + column;
      }
      multiply(task);
    }
  }

  int64_t n_, k_, num_blocks_;
  BlockFormat format_;
  std::shared_ptr<std::byte> memory_;
  uint8_t* integers_;
  uint16_t* scales_;
};

}  // namespace

std::shared_ptr<const PackedWeight> pack_blocks(const std::byte* blocks, int64_t n, int64_t k, BlockFormat format) {
  return std::make_shared<BlockWeight>(blocks, n, k, format);
}

}  // namespace limbeck::kernels
