#include "kernels/int8_linear.h"

#include <omp.h>

#include <algorithm>
#include <cmath>  // lround
#include <cstring>
#include <type_traits>

#include "kernels/aligned.h"
#include "kernels/instruction_sets.h"
#include "kernels/weight_memory.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kRowsAtOnce = 256;                 // of x, so that they stay in the cache while the panels pass by
constexpr int64_t kWorthThreads = int64_t{1} << 18;  // multiply-adds
constexpr int64_t kWorthSharing = int64_t{1} << 12;  // numbers of x; fewer are rounded by each thread for itself
constexpr int32_t kZero = 128;                       // what stands for zero in a panel

struct RoundedRows {
  AlignedVector<int8_t> integers;
  AlignedVector<float> scales;
  AlignedVector<int32_t> offsets;

  void resize(int64_t rows, int64_t width) {
    const auto count = static_cast<std::size_t>(rows);
    if (scales.size() < count) scales.resize(count), offsets.resize(count);
    if (integers.size() < count * static_cast<std::size_t>(width)) integers.resize(count * width);
  }
};

RoundedRows& rows_of_thread() {
  static thread_local RoundedRows rows;
  return rows;
}

// Columns stand in panels of 48, the last panel padded to a multiple of 16: [k / 4][width][4].
class Int8Weight final : public PackedWeight {
 public:
  Int8Weight(const int8_t* integers, const float* scales, int64_t n, int64_t k)
      : n_(n),
        k_(k),
        num_steps_((k + 3) / 4),
        memory_(take_weight_memory(static_cast<std::size_t>(padded(n) * num_steps_ * 4))),
        integers_(reinterpret_cast<uint8_t*>(memory_.get())),
        scales_(static_cast<std::size_t>(padded(n))) {
    std::copy_n(scales, n, scales_.begin());
    std::memset(integers_, kZero, static_cast<std::size_t>(padded(n) * num_steps_ * 4));
    const int64_t num_panels = (n_ + kPanelColumns - 1) / kPanelColumns;
#pragma omp parallel for if (n * k >= kWorthThreads)
    for (int64_t p = 0; p < num_panels; ++p)
      for (int64_t c = 0; c < std::min(kPanelColumns, n_ - p * kPanelColumns); ++c)
        for (int64_t i = 0; i < k_; ++i)
          integers_[place(p, c, i)] = static_cast<uint8_t>(integers[(p * kPanelColumns + c) * k_ + i] + kZero);
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
        const int32_t stored = integers_[place(column / kPanelColumns, column % kPanelColumns, i)];
        w[column * k_ + i] = static_cast<float>(stored - kZero) * scales_[column];
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
  std::size_t place(int64_t panel, int64_t column, int64_t i) const {
    return static_cast<std::size_t>(panel * kPanelColumns * num_steps_ * 4 + (i / 4 * width(panel) + column) * 4 +
                                    i % 4);
  }

  template <class From>
  void round_rows(const From* x, int64_t begin, int64_t end, RoundedRows& rounded) const {
    for (int64_t r = begin; r < end; ++r) {
      int8_t* integers = rounded.integers.data() + r * num_steps_ * 4;
      float* scale = rounded.scales.data() + r;
      int32_t* offset = rounded.offsets.data() + r;
      if constexpr (std::is_same_v<From, float>) {
        instructions().quantise_row_fp32(x + r * k_, k_, kZero, integers, scale, offset);
      } else {
        instructions().quantise_row_bf16(x + r * k_, k_, kZero, integers, scale, offset);
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
    RoundedRows& of_caller = rows_of_thread();
    if (shared) of_caller.resize(rows, num_steps_ * 4);
#pragma omp parallel if (rows * n_ * k_ >= kWorthThreads)
    {
      const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
      RoundedRows& rounded = shared ? of_caller : rows_of_thread();
      if (shared) {
        round_rows(x, rows * thread / threads, rows * (thread + 1) / threads, rounded);
#pragma omp barrier
      } else {
        rounded.resize(rows, num_steps_ * 4);
        round_rows(x, 0, rows, rounded);
      }
      multiply_panels(rounded, rows, y, after, thread, threads);
    }
  }

  template <class To>
  void multiply_panels(const RoundedRows& x, int64_t rows, To* y, const Epilogue& after, int64_t thread,
                       int64_t threads) const {
    const int64_t num_panels = (n_ + kPanelColumns - 1) / kPanelColumns, end = num_panels * (thread + 1) / threads;
    for (int64_t p = num_panels * thread / threads; p < end; ++p) {
      const int64_t column = p * kPanelColumns;
      Int8Panel task{.x = x.integers.data(),
                     .x_scales = x.scales.data(),
                     .x_offsets = x.offsets.data(),
                     .panel = integers_ + place(p, 0, 0),
                     .scales = scales_.data() + column,
                     .next = p + 1 < end && width(p + 1) == width(p) ? integers_ + place(p + 1, 0, 0) : nullptr,
                     .num_steps = num_steps_,
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
      instructions().linear_int8(task);
    }
  }

  int64_t n_, k_, num_steps_;
  std::shared_ptr<std::byte> memory_;
  uint8_t* integers_;
  AlignedVector<float> scales_;  // padded by zeros
};

}  // namespace

float round_to_int8(const float* x, int64_t k, int8_t* integers) {
  float largest = 0;
  for (int64_t i = 0; i < k; ++i) largest = std::max(largest, std::abs(x[i]));
  const float scale = largest / 127;
  for (int64_t i = 0; i < k; ++i)
    integers[i] = scale > 0 ? static_cast<int8_t>(std::clamp(std::lround(x[i] / scale), -127l, 127l)) : int8_t{0};
  return scale;
}

std::shared_ptr<const PackedWeight> pack_int8(const int8_t* integers, const float* scales, int64_t n, int64_t k) {
  return std::make_shared<Int8Weight>(integers, scales, n, k);
}

}  // namespace limbeck::kernels
