#include "kernels/packed_linear.h"

#include <omp.h>

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "kernels/aligned.h"
#include "kernels/instruction_sets.h"
#include "kernels/weight_memory.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kRowsAtOnce = 256;                 // of x, so that they stay in the cache while the panels pass by
constexpr int64_t kWorthThreads = int64_t{1} << 18;  // multiply-adds

float number(float value) {
  return value;
}
float number(BFloat16 value) {
  return to_float(value);
}
void assign(float value, float& to) {
  to = value;
}
void assign(float value, BFloat16& to) {
  to = to_bfloat16(value);
}

// Number: what is stored. Columns stand in panels of 48, the last panel padded to a multiple of 16:
// [panel][k / kCell][width][kCell].
template <class Number, int64_t kCell>
class Packed final : public PackedWeight {
 public:
  template <class From>
  Packed(const From* w, int64_t n, int64_t k)
      : n_(n),
        k_(k),
        num_cells_((k + kCell - 1) / kCell),
        memory_(take_weight_memory(static_cast<std::size_t>(padded(n) * num_cells_ * kCell) * sizeof(Number))),
        numbers_(reinterpret_cast<Number*>(memory_.get())) {
    const int64_t num_panels = (n + kPanelColumns - 1) / kPanelColumns;
#pragma omp parallel for
    for (int64_t p = 0; p < num_panels; ++p)
      for (int64_t c = 0; c < width(p); ++c)
        for (int64_t i = 0; i < num_cells_ * kCell; ++i) {
          const int64_t column = p * kPanelColumns + c;
          assign(column < n_ && i < k_ ? number(w[column * k_ + i]) : 0.0f, numbers_[place(p, c, i)]);
        }
  }

  int64_t n() const override {
    return n_;
  }
  int64_t k() const override {
    return k_;
  }

  void unpack(float* w) const override {
    for (int64_t column = 0; column < n_; ++column)
      for (int64_t i = 0; i < k_; ++i)
        w[column * k_ + i] = number(numbers_[place(column / kPanelColumns, column % kPanelColumns, i)]);
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
    return static_cast<std::size_t>(panel * kPanelColumns * num_cells_ * kCell +
                                    (i / kCell * width(panel) + column) * kCell + i % kCell);
  }

  // x in the stored format with whole cells: x itself where it is that already.
  template <class From>
  const Number* converted(const From* x, int64_t m, AlignedVector<Number>& buffer) const {
    if constexpr (std::is_same_v<From, Number>) {
      if (k_ % kCell == 0) return x;
    }
    const int64_t stride = num_cells_ * kCell;
    buffer.resize(static_cast<std::size_t>(m * stride));
    for (int64_t r = 0; r < m; ++r) {
      Number* to = buffer.data() + r * stride;
      if constexpr (std::is_same_v<From, float> && std::is_same_v<Number, BFloat16>) {
        instructions().round(x + r * k_, to, k_);
      } else {
        for (int64_t i = 0; i < k_; ++i) assign(number(x[r * k_ + i]), to[i]);
      }
      for (int64_t i = k_; i < stride; ++i) to[i] = Number{};
    }
    return buffer.data();
  }

  template <class From, class To>
  void run(const From* x, int64_t m, To* y, const Epilogue& after) const {
    static thread_local AlignedVector<Number> buffer;
    for (int64_t row = 0; row < m; row += kRowsAtOnce) {
      const int64_t rows = std::min(kRowsAtOnce, m - row);
      multiply_rows(converted(x + row * k_, rows, buffer), rows, y + row * n_, after);
    }
  }

  template <class To>
  void multiply_rows(const Number* x, int64_t rows, To* y, const Epilogue& after) const {
    const int64_t num_panels = (n_ + kPanelColumns - 1) / kPanelColumns;
    const auto multiply = kCell == 1 ? instructions().linear_fp32 : instructions().linear_bf16;
#pragma omp parallel if (rows * n_ * k_ >= kWorthThreads)
    {
      const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
      const int64_t end = num_panels * (thread + 1) / threads;
      for (int64_t p = num_panels * thread / threads; p < end; ++p) {
        const int64_t column = p * kPanelColumns;
        LinearPanel task{.x = x,
                         .x_stride = num_cells_ * kCell,
                         .panel = numbers_ + place(p, 0, 0),
                         .next = p + 1 < end && width(p + 1) == width(p) ? numbers_ + place(p + 1, 0, 0) : nullptr,
                         .num_cells = num_cells_,
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
  }

  int64_t n_, k_, num_cells_;
  std::shared_ptr<std::byte> memory_;
  Number* numbers_;
};

template <class From>
std::shared_ptr<const PackedWeight> make(const From* w, int64_t n, int64_t k, Format format) {
  if (format == Format::kFp32) return std::make_shared<Packed<float, 1>>(w, n, k);
  return std::make_shared<Packed<BFloat16, 2>>(w, n, k);
}

}  // namespace

std::shared_ptr<const PackedWeight> PackedWeight::pack(const float* w, int64_t n, int64_t k, Format format) {
  return make(w, n, k, format);
}
std::shared_ptr<const PackedWeight> PackedWeight::pack(const BFloat16* w, int64_t n, int64_t k, Format format) {
  return make(w, n, k, format);
}

}  // namespace limbeck::kernels
