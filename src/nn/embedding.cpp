#include "nn/embedding.h"

#include <ATen/ATen.h>

#include "base/errors.h"

namespace limbeck::nn {

Embedding::Embedding(int64_t vocabulary, int64_t width)
    : weight_(at::empty({vocabulary, width}, at::kFloat).requires_grad_(true)) {}

at::Tensor Embedding::forward(const at::Tensor& ids) {
  if (ids.dim() != 1) fail("embedding", "expected ids [N] but received {} dimensions", ids.dim());
  const int64_t rows = weight_.size(0);
  const at::Tensor wanted = ids.to(at::kLong).contiguous();
  const int64_t* id = wanted.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < wanted.numel(); ++i)
    if (id[i] < 0 || id[i] >= rows)
      fail("embedding", "expected ids of 0 to {} but received {} at token {}", rows - 1, id[i], i);
  return at::embedding(weight_, wanted).to(at::kFloat);
}

void Embedding::freeze(Precision precision) {
  weight_ = weight_.detach().to(precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat);
}

}  // namespace limbeck::nn
