// One vector of the rows of each document: what a sentence embedding is made of (Reimers and Gurevych 2019,
// arXiv:1908.10084, sec. 3).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace limbeck::nn {

enum class Pooling {
  kFirst,           // the first token's row, [CLS]
  kMean,            // Σ rows / n
  kMax,             // the largest of each column
  kMeanSqrtLength,  // Σ rows / √n
  kLast,            // the last token's row
};

// rows [N,D] fp32, documents offsets[i] .. offsets[i+1] of at least one row -> [documents, D]. Differentiable. A
// document's vector does not depend on the others.
at::Tensor pool(const at::Tensor& rows, const std::vector<int64_t>& offsets, Pooling pooling);

// Rows of length 1: x / max(‖x‖, 1e-12). [M,D] -> [M,D]
at::Tensor unit_rows(const at::Tensor& x);

}  // namespace limbeck::nn
