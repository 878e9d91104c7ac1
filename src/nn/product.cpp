#include "nn/product.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <memory>
#include <vector>

#include "base/errors.h"
#include "base/profile.h"
#include "formats/gguf_encode.h"
#include "kernels/block_linear.h"
#include "kernels/packed_linear.h"
#include "tensor/dtype.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What the product reads; hidden from autograd, which sees the masters.
struct Joined {
  at::Tensor weight, bias;
};

class JoinedProduct : public torch::autograd::Function<JoinedProduct> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, at::TensorList weights,
                            at::TensorList biases, const Joined& joined) {
    const Span span("product", "model", x.size(0));
    const at::Tensor input = x.to(joined.weight.scalar_type());
    std::vector<int64_t> rows;
    for (const at::Tensor& weight : weights) rows.push_back(weight.size(0));
    context->saved_data["rows"] = rows;
    context->saved_data["has_bias"] = !biases.empty();
    context->saved_data["x_dtype"] = static_cast<int64_t>(x.scalar_type());
    context->save_for_backward({input, joined.weight});
    return at::linear(input, joined.weight, joined.bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const Span span("product gradient", "model", x.size(0));
    const at::Tensor dy = gradients[0].to(weight.scalar_type()).contiguous();
    const std::vector<int64_t> rows = context->saved_data["rows"].toIntVector();
    const bool has_bias = context->saved_data["has_bias"].toBool();
    const std::size_t parts = rows.size();

    variable_list result(1 + parts * (has_bias ? 2 : 1) + 1);
    if (context->needs_input_grad(0)) {
      const auto dtype = static_cast<at::ScalarType>(context->saved_data["x_dtype"].toInt());
      result[0] = at::mm(dy, weight).to(dtype);
    }
    bool any = false;
    for (std::size_t i = 0; i < parts; ++i) any = any || context->needs_input_grad(1 + i);
    if (any) split(at::mm(dy.t(), x).to(at::kFloat), rows, result, 1);
    if (has_bias && context->needs_input_grad(1 + parts))
      split(at::sum(dy, {0}, false, at::kFloat), rows, result, 1 + parts);
    return result;
  }

 private:
  // Contiguous views, so that each master takes its part over without a copy.
  static void split(const at::Tensor& whole, const std::vector<int64_t>& rows, variable_list& result,
                    std::size_t first) {
    int64_t begin = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      result[first + i] = rows.size() == 1 ? whole : whole.narrow(0, begin, rows[i]);
      begin += rows[i];
    }
  }
};

at::Tensor join(const std::vector<at::Tensor>& parts, at::ScalarType dtype) {
  if (parts.empty()) return {};
  if (parts.size() == 1) return parts[0].detach().to(dtype);
  int64_t rows = 0;
  for (const at::Tensor& part : parts) rows += part.size(0);
  std::vector<int64_t> shape = parts[0].sizes().vec();
  shape[0] = rows;
  at::Tensor whole = at::empty(shape, parts[0].options().dtype(dtype).requires_grad(false));
  int64_t begin = 0;
  for (const at::Tensor& part : parts) {
    whole.narrow(0, begin, part.size(0)).copy_(part.detach());
    begin += part.size(0);
  }
  return whole;
}

// weight [n,k] fp32, rounded to blocks; a row that does not end with a block is filled up with zeros.
std::shared_ptr<const kernels::PackedWeight> pack_in_blocks(const at::Tensor& weight, kernels::BlockFormat format) {
  const int64_t n = weight.size(0), k = weight.size(1), whole = kernels::blocks_of_row(k) * kernels::kBlockNumbers;
  const auto type = format == kernels::BlockFormat::kQ8_0 ? formats::GgufType::kQ8_0 : formats::GgufType::kQ4_0;
  const at::Tensor rows = whole == k ? weight.contiguous() : at::constant_pad_nd(weight, {0, whole - k});
  std::vector<std::byte> blocks(
      static_cast<std::size_t>(n * kernels::blocks_of_row(k) * kernels::bytes_of_block(format)));
  formats::encode_blocks(type, rows.const_data_ptr<float>(), blocks.data(), rows.numel());
  return kernels::pack_blocks(blocks.data(), n, k, format);
}

// What `weights` says for products of this precision.
WeightFormat resolved(WeightFormat weights, Precision precision) {
  if (weights != WeightFormat::kAsPrecision) return weights;
  return precision == Precision::kBf16 ? WeightFormat::kBf16 : WeightFormat::kFp32;
}

std::shared_ptr<const kernels::PackedWeight> pack(const at::Tensor& weight, WeightFormat weights) {
  if (weights == WeightFormat::kQ8_0) return pack_in_blocks(weight.to(at::kFloat), kernels::BlockFormat::kQ8_0);
  if (weights == WeightFormat::kQ4_0) return pack_in_blocks(weight.to(at::kFloat), kernels::BlockFormat::kQ4_0);
  const auto format = weights == WeightFormat::kBf16 ? kernels::Format::kBf16 : kernels::Format::kFp32;
  const at::Tensor rows = weight.contiguous();
  if (rows.scalar_type() == at::kBFloat16)
    return kernels::PackedWeight::pack(static_cast<const kernels::BFloat16*>(rows.const_data_ptr()), rows.size(0),
                                       rows.size(1), format);
  return kernels::PackedWeight::pack(rows.const_data_ptr<float>(), rows.size(0), rows.size(1), format);
}

at::Tensor multiply(const kernels::PackedWeight& weight, const at::Tensor& x, at::ScalarType result,
                    const float* bias) {
  if (x.dim() != 2 || x.size(1) != weight.k())
    fail("linear", "expected an input of width {} but received {}", weight.k(), x.dim() == 2 ? x.size(1) : -1);
  const Span span("product", "model", x.size(0));
  const bool low = x.scalar_type() == at::kBFloat16;
  const at::Tensor rows = (low ? x : x.to(at::kFloat)).contiguous();
  at::Tensor y = at::empty({x.size(0), weight.n()}, x.options().dtype(result).requires_grad(false));
  const auto run = [&](const auto* from) {
    if (result == at::kBFloat16)
      weight.multiply(from, rows.size(0), static_cast<kernels::BFloat16*>(y.mutable_data_ptr()), bias);
    else
      weight.multiply(from, rows.size(0), y.mutable_data_ptr<float>(), bias);
  };
  if (low)
    run(static_cast<const kernels::BFloat16*>(rows.const_data_ptr()));
  else
    run(rows.const_data_ptr<float>());
  return y;
}

}  // namespace

void Product::refresh(const Masters& masters, Precision precision) {
  std::vector<Stamp> stamps;
  for (const auto* list : {&masters.weights, &masters.biases})
    for (const at::Tensor& master : *list) stamps.emplace_back(master.unsafeGetTensorImpl(), master._version());
  if (weight_.defined() && precision == precision_ && stamps == stamps_) return;
  const Span span("round weights", "model");
  at::NoGradGuard no_grad;
  weight_ = join(masters.weights, dtype_of(precision));
  bias_ = join(masters.biases, dtype_of(precision));
  precision_ = precision;
  stamps_ = std::move(stamps);
}

at::Tensor Product::forward(const at::Tensor& x, const Masters& masters, Precision precision) {
  refresh(masters, precision);
  return JoinedProduct::apply(x, at::TensorList(masters.weights), at::TensorList(masters.biases),
                              Joined{weight_, bias_});
}

void Product::forget() {
  weight_.reset();
  bias_.reset();
  stamps_.clear();
}

const at::Tensor& Product::joined_weight(const Masters& masters, Precision precision) {
  refresh(masters, precision);
  return weight_;
}

FrozenLinear freeze_product(const Masters& masters, Precision precision, WeightFormat weights) {
  const WeightFormat format = resolved(weights, precision);
  const auto weight = pack(join(masters.weights, format == WeightFormat::kBf16 ? at::kBFloat16 : at::kFloat), format);
  const at::Tensor bias = join(masters.biases, at::kFloat);
  return [weight, bias, precision](const at::Tensor& x) {
    return multiply(*weight, x, dtype_of(precision), bias.defined() ? bias.const_data_ptr<float>() : nullptr);
  };
}

FrozenLinear freeze_to_fp32(const at::Tensor& weight, Precision precision, WeightFormat weights,
                            const at::Tensor& bias) {
  const auto packed = pack(weight.detach(), resolved(weights, precision));
  const at::Tensor kept = bias.defined() ? bias.detach().to(at::kFloat).contiguous() : bias;
  return [packed, kept](const at::Tensor& x) {
    return multiply(*packed, x, at::kFloat, kept.defined() ? kept.const_data_ptr<float>() : nullptr);
  };
}

}  // namespace limbeck::nn
