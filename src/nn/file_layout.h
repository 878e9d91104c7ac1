// How a checkpoint file holds a parameter where that differs from how the layer holds it. Optimisers, masks and
// adapters see the layer's form; only loading and saving know the file's.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace limbeck::nn {

struct FileLayout {
  bool transposed = false;  // [in,out] (the Conv1D of GPT-2); one-dimensional tensors stay
  // Above 0: the rows of a joint projection of queries, keys and values stand head by head, [heads, 3, E], in the file
  // (GPT-NeoX), and part by part, [3, heads, E], in the layer.
  int64_t heads = 0;
};

at::Tensor to_file(const at::Tensor& held, const FileLayout& layout);      // may be a view
at::Tensor from_file(const at::Tensor& stored, const FileLayout& layout);  // may be a view
std::vector<int64_t> shape_in_file(const at::Tensor& held, const FileLayout& layout);

}  // namespace limbeck::nn
