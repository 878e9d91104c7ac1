// Operands of kernels/packed_attention.cpp in the layout that the register tiles read: cells of what is multiplied at
// once (one fp32 or two bf16 numbers), column beside column. A source may have its rows as columns (what is contracted
// lies within a row) or as rows (what is contracted lies across rows).
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "kernels/bfloat16.h"
#include "kernels/instruction_sets.h"
#include "kernels/product_packing.h"

namespace limbeck::kernels {

constexpr int64_t kAttentionBlock = kPanelColumns;  // queries, and keys, that are computed together

template <class Number>
constexpr int64_t kCellNumbers = std::is_same_v<Number, BFloat16> ? 2 : 1;

constexpr int64_t round_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

// `rows` (at most 48) rows of `length` numbers each become columns: panel[cell][round_up(rows, 16)][numbers of a cell].
template <class Number>
void pack_as_columns(const Number* source, int64_t stride, int64_t rows, int64_t length, Number* panel) {
  pack_panel(Operand<Number>{source, stride, Contracted::kWithinRows}, 0, rows, 0, length, panel);
}

// Widths of the panels that `columns` are cut into, none narrower than need be: 64 = 32 + 32 rather than 48 + 16.
inline std::vector<int64_t> panel_widths(int64_t columns) {
  const int64_t count = (columns + kPanelColumns - 1) / kPanelColumns, units = (columns + 15) / 16;
  std::vector<int64_t> widths;
  for (int64_t i = 0; i < count; ++i) widths.push_back((units * (i + 1) / count - units * i / count) * 16);
  widths.back() -= units * 16 - columns;  // the last one is cut to what is real
  return widths;
}

// Rows as they stand, contracted across: for each panel [cells][width][numbers of a cell], panel after panel.
template <class Number>
class RowPanels {
 public:
  void pack(const Number* source, int64_t stride, int64_t rows, int64_t columns) {
    constexpr int64_t kNumbers = kCellNumbers<Number>;
    if (columns != columns_) widths_ = panel_widths(columns), columns_ = columns;
    cells_ = (rows + kNumbers - 1) / kNumbers;
    numbers_.resize(static_cast<std::size_t>(round_up(columns, 16) * cells_ * kNumbers));
    Number* to = numbers_.data();
    int64_t first = 0;
    for (const int64_t columns_here : widths_) {
      pack_panel(Operand<Number>{source, stride, Contracted::kAcrossRows}, first, columns_here, 0, rows, to);
      to += cells_ * round_up(columns_here, 16) * kNumbers;
      first += columns_here;
    }
  }

  // x [rows, cells begin .. end] · this -> y [rows, columns]; x points at the cell `begin`.
  template <class Multiply>
  void multiply(const Multiply& tiles, const Number* x, int64_t x_stride, int64_t rows, int64_t begin, int64_t end,
                float* y, int64_t y_stride) const {
    constexpr int64_t kNumbers = kCellNumbers<Number>;
    const Number* panel = numbers_.data();
    int64_t first = 0;
    for (const int64_t columns_here : widths_) {
      const int64_t width = round_up(columns_here, 16);
      LinearPanel task;
      task.x = x;
      task.x_stride = x_stride;
      task.panel = panel + begin * width * kNumbers;
      task.num_cells = end - begin;
      task.rows = rows;
      task.columns = columns_here;
      task.y = y + first;
      task.y_stride = y_stride;
      tiles(task);
      panel += cells_ * width * kNumbers;
      first += columns_here;
    }
  }

 private:
  std::vector<int64_t> widths_;
  int64_t columns_ = 0, cells_ = 0;
  std::vector<Number> numbers_;
};

}  // namespace limbeck::kernels
