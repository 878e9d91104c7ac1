// A new tensor on the CPU by LibTorch's own allocator, but past its dispatcher: that way costs about as much as a small
// kernel, which shows where a sequence is decoded alone and a token has some 400 of them.
#pragma once

#include <ATen/EmptyTensor.h>
#include <ATen/core/Tensor.h>

namespace limbeck {

inline at::Tensor fresh(at::IntArrayRef sizes, at::ScalarType type) {
  return at::Tensor(at::detail::empty_cpu(sizes, type));
}

}  // namespace limbeck
