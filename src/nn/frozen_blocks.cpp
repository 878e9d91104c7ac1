#include "nn/frozen_blocks.h"

#include <ATen/ATen.h>

#include <cmath>  // std::sqrt

#include "base/errors.h"
#include "base/profile.h"
#include "kernels/encoder_blocks.h"
#include "tensor/dtype.h"

namespace limbeck::nn {
namespace {

at::Tensor run_blocks(const FrozenBlocks& model, const at::Tensor& x, const std::vector<int64_t>& documents,
                      const std::vector<int64_t>& order, void* queries_keys_values) {
  const Span span("blocks", "model", x.size(0));
  if (x.dim() != 2 || documents.empty() || documents.front() != 0 || documents.back() != x.size(0))
    fail("frozen_blocks", "expected documents of {} tokens in all but received {}", x.size(0),
         documents.empty() ? 0 : documents.back());
  const auto norm = [](const at::Tensor& weight, const at::Tensor& bias) {
    return kernels::BlockNorm{weight.const_data_ptr<float>(), bias.const_data_ptr<float>()};
  };
  const auto product = [](const FrozenProduct& p) { return kernels::BlockProduct{p.weight.get(), p.bias_numbers()}; };
  std::vector<kernels::EncoderBlock> blocks;
  for (const int64_t index : order) {
    const FrozenBlock& b = model.blocks.at(static_cast<std::size_t>(index));
    blocks.push_back({.queries_keys_values = product(b.queries_keys_values),
                      .attention_out = product(b.attention_out),
                      .in = product(b.in),
                      .out = product(b.out),
                      .attention_norm = norm(b.attention_norm_weight, b.attention_norm_bias),
                      .norm = norm(b.norm_weight, b.norm_bias)});
  }
  at::Tensor hidden = x.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true).contiguous();
  const bool low = model.precision == Precision::kBf16;
  kernels::run({.blocks = blocks,
                .offsets = documents,
                .width = x.size(1),
                .inner = model.blocks.at(0).in.weight->n(),
                .heads = model.heads,
                .scale = static_cast<float>(1 / std::sqrt(static_cast<double>(x.size(1) / model.heads))),
                .epsilon = static_cast<float>(model.epsilon),
                .activation = model.activation,
                .between = low ? kernels::Format::kBf16 : kernels::Format::kFp32,
                .queries_keys_values = queries_keys_values},
               hidden.mutable_data_ptr<float>());
  return hidden;
}

}  // namespace

at::Tensor FrozenBlocks::forward(const at::Tensor& x, const std::vector<int64_t>& documents,
                                 const std::vector<int64_t>& order) const {
  return run_blocks(*this, x, documents, order, nullptr);
}

at::Tensor FrozenBlocks::forward(const at::Tensor& x, const std::vector<int64_t>& documents, int64_t block,
                                 at::Tensor& queries_keys_values) const {
  queries_keys_values = at::empty({x.size(0), 3 * x.size(1)}, x.options().dtype(dtype_of(precision)));
  return run_blocks(*this, x, documents, {block}, queries_keys_values.mutable_data_ptr());
}

}  // namespace limbeck::nn
