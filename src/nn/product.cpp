#include "nn/product.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <memory>
#include <vector>

#include "base/errors.h"
#include "base/profile.h"
#include "kernels/column_sums.h"
#include "kernels/packed_linear.h"
#include "nn/weight_packing.h"
#include "tensor/dtype.h"
#include "tensor/fresh.h"
#include "tensor/gradients.h"
#include "tensor/product.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What the product reads; hidden from autograd, which sees the masters.
struct Joined {
  Masters masters;
  at::Tensor weight, bias;
  at::ScalarType type;  // of the product
};

class JoinedProduct : public torch::autograd::Function<JoinedProduct> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, at::TensorList weights,
                            at::TensorList biases, const Joined& joined) {
    const at::Tensor input = x.to(joined.type);
    context->saved_data["weights"] = joined.masters.weights;
    context->saved_data["biases"] = joined.masters.biases;
    context->saved_data["x_dtype"] = static_cast<int64_t>(x.scalar_type());
    context->save_for_backward({input, joined.weight});
    return times_transposed(input, joined.weight, joined.bias);
  }

  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor dy = outer[0].to(x.scalar_type()).contiguous();
    const Masters masters{context->saved_data["weights"].toTensorVector(),
                          context->saved_data["biases"].toTensorVector()};
    variable_list result(1);
    if (context->needs_input_grad(0))
      result[0] = times(dy, weight).to(static_cast<at::ScalarType>(context->saved_data["x_dtype"].toInt()));
    for (at::Tensor& gradient : master_gradients(masters, dy, x)) result.push_back(std::move(gradient));
    result.emplace_back();
    return result;
  }
};

// dyᵀ·x of one master, added to what is there already.
void add_to_gradient(const at::Tensor& master, const at::Tensor& dy, const at::Tensor& x) {
  transposed_times(dy, x, master.mutable_grad(), Into::kSum);
}

bool has_gradient(const at::Tensor& master) {
  const at::Tensor& there = master.grad();
  return there.defined() && there.scalar_type() == at::kFloat && there.is_contiguous();
}

// [N,M] -> [M] fp32
at::Tensor summed_rows(const at::Tensor& rows) {
  const bool known = rows.scalar_type() == at::kFloat || rows.scalar_type() == at::kBFloat16;
  if (!known || !rows.device().is_cpu() || rows.dim() != 2 || rows.stride(1) != 1)
    return at::sum(rows, {0}, false, at::kFloat);
  at::Tensor sums = at::empty({rows.size(1)}, rows.options().dtype(at::kFloat).requires_grad(false));
  const auto run = [&](const auto* numbers) {
    kernels::column_sums(numbers, rows.stride(0), rows.size(0), rows.size(1), sums.mutable_data_ptr<float>());
  };
  if (rows.scalar_type() == at::kFloat)
    run(rows.const_data_ptr<float>());
  else
    run(static_cast<const kernels::BFloat16*>(rows.const_data_ptr()));
  return sums;
}

// Parts that stand behind each other in memory, as one; undefined where they do not.
at::Tensor one_behind_the_other(const std::vector<at::Tensor>& parts) {
  if (parts.empty()) return {};
  const at::Tensor& first = parts[0];
  int64_t rows = 0;
  for (const at::Tensor& part : parts) {
    const bool follows = part.scalar_type() == first.scalar_type() && part.is_contiguous() && part.is_alias_of(first) &&
                         part.storage_offset() == first.storage_offset() + rows * (first.dim() > 1 ? first.size(1) : 1);
    if (!follows) return {};
    rows += part.size(0);
  }
  std::vector<int64_t> shape = first.sizes().vec();
  shape[0] = rows;
  return first.detach().as_strided(shape, first.strides(), first.storage_offset());
}

at::Tensor join(const std::vector<at::Tensor>& parts, at::ScalarType dtype) {
  if (parts.empty()) return {};
  if (const at::Tensor whole = one_behind_the_other(parts); whole.defined()) return whole.to(dtype);
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

at::Tensor multiply(const kernels::PackedWeight& weight, const at::Tensor& x, at::ScalarType result,
                    const float* bias) {
  if (x.dim() != 2 || x.size(1) != weight.k())
    fail("linear", "expected an input of width {} but received {}", weight.k(), x.dim() == 2 ? x.size(1) : -1);
  const Span span("product", "model", x.size(0));
  const bool low = x.scalar_type() == at::kBFloat16;
  const at::Tensor rows = (low || x.scalar_type() == at::kFloat ? x : x.to(at::kFloat)).contiguous();
  at::Tensor y = fresh({x.size(0), weight.n()}, result);
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

FrozenLinear freeze_alike(const Masters& masters, Precision precision, WeightFormat format) {
  const auto weight =
      pack_weight(join(masters.weights, format == WeightFormat::kBf16 ? at::kBFloat16 : at::kFloat), format);
  const at::Tensor bias = join(masters.biases, at::kFloat);
  return [weight, bias, precision](const at::Tensor& x) {
    return multiply(*weight, x, dtype_of(precision), bias.defined() ? bias.const_data_ptr<float>() : nullptr);
  };
}

}  // namespace

void Product::refresh(const Masters& masters, Precision precision) {
  std::vector<Stamp> stamps;
  for (const auto* list : {&masters.weights, &masters.biases})
    for (const at::Tensor& master : *list) stamps.emplace_back(master.unsafeGetTensorImpl(), master._version());
  if (weight_.defined() && precision == precision_ && stamps == stamps_) return;
  const Span span("round weights", "model");
  at::NoGradGuard no_grad;
  weight_ = join(masters.weights, products_read_wide_weights() ? at::kFloat : dtype_of(precision));
  bias_ = join(masters.biases, at::kFloat);
  precision_ = precision;
  stamps_ = std::move(stamps);
}

at::Tensor Product::forward(const at::Tensor& x, const Masters& masters, Precision precision) {
  refresh(masters, precision);
  return JoinedProduct::apply(x, at::TensorList(masters.weights), at::TensorList(masters.biases),
                              Joined{masters, weight_, bias_, dtype_of(precision)});
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

const at::Tensor& Product::joined_bias(const Masters& masters, Precision precision) {
  refresh(masters, precision);
  return bias_;
}

std::vector<at::Tensor> master_gradients(const Masters& masters, const at::Tensor& dy, const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  const auto& weights = masters.weights;
  std::vector<at::Tensor> result(weights.size() + masters.biases.size());
  bool wanted = false, adds = true;
  for (const at::Tensor& weight : weights) {
    wanted = wanted || weight.requires_grad();
    adds = adds && (!weight.requires_grad() || (takes_gradient_in_place(weight) && has_gradient(weight)));
  }
  // One product of all parts, whose gradients are contiguous views of it; or each part added to its own.
  at::Tensor whole;
  if (wanted && !adds) {
    whole = at::empty({dy.size(1), x.size(1)}, x.options().dtype(at::kFloat));
    transposed_times(dy, x, whole, Into::kNew);
  }
  int64_t begin = 0;
  for (std::size_t i = 0; i < weights.size(); begin += weights[i].size(0), ++i) {
    if (!weights[i].requires_grad()) continue;
    if (adds)
      add_to_gradient(weights[i], dy.narrow(1, begin, weights[i].size(0)), x);
    else
      result[i] = hand_over(weights[i], whole.narrow(0, begin, weights[i].size(0)));
  }
  if (masters.biases.empty()) return result;
  const at::Tensor sums = summed_rows(dy);
  begin = 0;
  for (std::size_t i = 0; i < masters.biases.size(); begin += masters.biases[i].size(0), ++i)
    if (masters.biases[i].requires_grad())
      result[weights.size() + i] = hand_over(masters.biases[i], sums.narrow(0, begin, masters.biases[i].size(0)));
  return result;
}

// Weights that are kept alike are one product.
FrozenLinear freeze_product(const Masters& masters, Precision precision, WeightFormat weights) {
  std::vector<FrozenLinear> products;
  for (std::size_t begin = 0, end = 0; begin < masters.weights.size(); begin = end) {
    Masters alike;
    const WeightFormat format = blocks_for(masters.weights[begin], resolved(weights, precision));
    for (; end < masters.weights.size(); ++end) {
      if (end > begin && blocks_for(masters.weights[end], resolved(weights, precision)) != format) break;
      alike.weights.push_back(masters.weights[end]);
      if (!masters.biases.empty()) alike.biases.push_back(masters.biases[end]);
    }
    products.push_back(freeze_alike(alike, precision, format));
  }
  if (products.size() == 1) return products[0];
  return [products](const at::Tensor& x) {
    std::vector<at::Tensor> results;
    for (const FrozenLinear& product : products) results.push_back(product(x));
    return at::cat(results, 1);
  };
}

FrozenLinear freeze_to_fp32(const at::Tensor& weight, Precision precision, WeightFormat weights,
                            const at::Tensor& bias) {
  const auto packed = pack_weight(weight.detach(), blocks_for(weight, resolved(weights, precision)));
  const at::Tensor kept = bias.defined() ? bias.detach().to(at::kFloat).contiguous() : bias;
  return [packed, kept](const at::Tensor& x) {
    return multiply(*packed, x, at::kFloat, kept.defined() ? kept.const_data_ptr<float>() : nullptr);
  };
}

}  // namespace limbeck::nn
