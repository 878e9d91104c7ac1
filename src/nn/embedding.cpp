#include "nn/embedding.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

#include "base/errors.h"
#include "tensor/gradients.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kColumns = 64;  // that a thread adds up at a time

// table[ids[t]] += rows[t]. Threads share the columns, so that each number is a sum in the order of the tokens.
void add_rows(const at::Tensor& ids, const at::Tensor& rows, at::Tensor& table) {
  const int64_t width = table.size(1), n = ids.numel();
  const int64_t* id = ids.const_data_ptr<int64_t>();
  const float* from = rows.const_data_ptr<float>();
  float* to = table.mutable_data_ptr<float>();
  const int64_t blocks = (width + kColumns - 1) / kColumns;
  const int64_t worth_a_thread = std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, n * kColumns));
  at::parallel_for(0, blocks, worth_a_thread, [&](int64_t first, int64_t last) {
    const int64_t begin = first * kColumns, end = std::min(width, last * kColumns);
    for (int64_t t = 0; t < n; ++t)
      for (int64_t c = begin; c < end; ++c) to[id[t] * width + c] += from[t * width + c];
  });
}

class Rows : public torch::autograd::Function<Rows> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& weight, const at::Tensor& ids) {
    context->saved_data["weight"] = weight;
    context->save_for_backward({ids});
    return at::embedding(weight, ids).to(at::kFloat);
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const at::Tensor weight = context->saved_data["weight"].toTensor(), ids = context->get_saved_variables()[0];
    const at::Tensor rows = outer[0].to(at::kFloat).contiguous();
    at::Tensor& there = weight.mutable_grad();
    if (takes_gradient_in_place(weight) && there.defined() && there.is_contiguous() &&
        there.scalar_type() == at::kFloat) {
      add_rows(ids, rows, there);
      return {{}, {}};
    }
    at::Tensor gradient = at::zeros(weight.sizes(), rows.options());
    add_rows(ids, rows, gradient);
    return {hand_over(weight, gradient.to(weight.scalar_type())), {}};
  }
};

}  // namespace

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
  const bool learns = at::GradMode::is_enabled() && weight_.requires_grad() && weight_.device().is_cpu();
  return learns ? Rows::apply(weight_, wanted) : at::embedding(weight_, wanted).to(at::kFloat);
}

void Embedding::freeze(Precision precision) {
  weight_ = weight_.detach().to(precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat);
}

}  // namespace limbeck::nn
