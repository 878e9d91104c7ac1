#include "nn/file_layout.h"

#include <ATen/ATen.h>

#include <utility>

namespace limbeck::nn {
namespace {

// Rows [outer, inner, E] become [inner, outer, E].
at::Tensor swap_rows(const at::Tensor& rows, int64_t outer, int64_t inner) {
  std::vector<int64_t> split = {outer, inner, rows.size(0) / (outer * inner)};
  for (int64_t axis = 1; axis < rows.dim(); ++axis) split.push_back(rows.size(axis));
  return rows.reshape(split).transpose(0, 1).reshape(rows.sizes());
}

}  // namespace

at::Tensor to_file(const at::Tensor& held, const FileLayout& layout) {
  const at::Tensor rows = layout.heads > 0 ? swap_rows(held, 3, layout.heads) : held;
  return layout.transposed && rows.dim() == 2 ? rows.t() : rows;
}

at::Tensor from_file(const at::Tensor& stored, const FileLayout& layout) {
  const at::Tensor rows = layout.transposed && stored.dim() == 2 ? stored.t() : stored;
  return layout.heads > 0 ? swap_rows(rows, layout.heads, 3) : rows;
}

std::vector<int64_t> shape_in_file(const at::Tensor& held, const FileLayout& layout) {
  std::vector<int64_t> shape = held.sizes().vec();
  if (layout.transposed && shape.size() == 2) std::swap(shape[0], shape[1]);
  return shape;
}

}  // namespace limbeck::nn
