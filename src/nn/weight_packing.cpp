#include "nn/weight_packing.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <vector>

#include "base/errors.h"
#include "formats/gguf_encode.h"
#include "kernels/block_linear.h"
#include "kernels/int8_linear.h"

namespace limbeck::nn {
namespace {

// weight [n,k] fp32, rounded to blocks; a row that does not end with a block is filled up with zeros.
std::shared_ptr<const kernels::PackedWeight> pack_in_blocks(const at::Tensor& weight, kernels::BlockFormat format) {
  const int64_t n = weight.size(0), k = weight.size(1), whole = kernels::blocks_of_row(k) * kernels::kBlockNumbers;
  const auto type = format == kernels::BlockFormat::kQ8_0 ? formats::GgufType::kQ8_0 : formats::GgufType::kQ4_0;
  const at::Tensor rows = whole == k ? weight.contiguous() : at::constant_pad_nd(weight, {0, whole - k});
  std::vector<std::byte> blocks(
      static_cast<std::size_t>(n * kernels::blocks_of_row(k) * kernels::bytes_of_block(format)));
  formats::encode_blocks_again(type, rows.const_data_ptr<float>(), blocks.data(), rows.numel());
  return kernels::pack_blocks(blocks.data(), n, k, format);
}

FrozenProduct packed_product(std::optional<PlainProduct> product, const Packing& pack) {
  if (!product) fail("take_product", "expected a trainable layer but received one that was frozen");
  const at::NoGradGuard no_grad;
  return {pack(product->weight),
          product->bias.defined() ? product->bias.detach().to(at::kFloat).contiguous() : at::Tensor()};
}

void drop_masters(Linear& linear) {
  linear.weights_changed();  // copies of the masters go as well
  linear.weight().reset();
  linear.bias().reset();
}

}  // namespace

WeightFormat resolved(WeightFormat weights, Precision precision) {
  if (weights != WeightFormat::kAsPrecision) return weights;
  return precision == Precision::kBf16 ? WeightFormat::kBf16 : WeightFormat::kFp32;
}

WeightFormat blocks_for(const at::Tensor& weight, WeightFormat asked) {
  if (asked != WeightFormat::kQ4_0 || weight.size(1) % kernels::kBlockNumbers != 0) return asked;
  const at::Tensor numbers = weight.detach().to(at::kFloat).contiguous();
  const auto held = formats::block_type_of(numbers.const_data_ptr<float>(), numbers.numel());
  return held == formats::GgufType::kQ8_0 || held == formats::GgufType::kQ6_K ? WeightFormat::kQ8_0 : asked;
}

std::shared_ptr<const kernels::PackedWeight> pack_weight(const at::Tensor& weight, WeightFormat weights) {
  if (weights == WeightFormat::kQ8_0) return pack_in_blocks(weight.to(at::kFloat), kernels::BlockFormat::kQ8_0);
  if (weights == WeightFormat::kQ4_0) return pack_in_blocks(weight.to(at::kFloat), kernels::BlockFormat::kQ4_0);
  const auto format = weights == WeightFormat::kBf16 ? kernels::Format::kBf16 : kernels::Format::kFp32;
  const at::Tensor rows = weight.contiguous();
  if (rows.scalar_type() == at::kBFloat16)
    return kernels::PackedWeight::pack(static_cast<const kernels::BFloat16*>(rows.const_data_ptr()), rows.size(0),
                                       rows.size(1), format);
  return kernels::PackedWeight::pack(rows.const_data_ptr<float>(), rows.size(0), rows.size(1), format);
}

std::shared_ptr<const kernels::PackedWeight> pack_int8_weight(const at::Tensor& weight) {
  const at::Tensor rows = weight.to(at::kFloat).contiguous();
  const int64_t n = rows.size(0), k = rows.size(1);
  std::vector<int8_t> integers(static_cast<std::size_t>(n * k));
  std::vector<float> scales(static_cast<std::size_t>(n));
  for (int64_t r = 0; r < n; ++r)
    scales[r] = kernels::round_to_int8(rows.const_data_ptr<float>() + r * k, k, integers.data() + r * k);
  return kernels::pack_int8(integers.data(), scales.data(), n, k);
}

FrozenProduct take_product(Linear& linear, const Packing& pack) {
  linear.fold();
  linear.set_precision(Precision::kFp32);  // the masters as they are, rounded once
  FrozenProduct product = packed_product(linear.plain(), pack);
  drop_masters(linear);
  return product;
}

FrozenProduct take_product(JointLinear& linear, const Packing& pack) {
  linear.each_linear([](Linear& part) { part.fold(); });
  linear.set_precision(Precision::kFp32);
  FrozenProduct product = packed_product(linear.plain(), pack);
  linear.weights_changed();
  linear.each_linear(drop_masters);
  return product;
}

}  // namespace limbeck::nn
