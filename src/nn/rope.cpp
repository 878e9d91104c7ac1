#include "nn/rope.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <type_traits>

#include "base/errors.h"
#include "base/profile.h"
#include "kernels/rope.h"
#include "tensor/fresh.h"

namespace limbeck::nn {
namespace {

std::vector<float> plain_frequencies(int64_t head_dim, double theta) {
  std::vector<float> result;
  for (int64_t i = 0; i < head_dim; i += 2)
    result.push_back(1.0f / std::pow(static_cast<float>(theta), static_cast<float>(i) / static_cast<float>(head_dim)));
  return result;
}

// The base grows with the document so that the longest wavelength still spans it.
double dynamic_theta(const RopeOptions& o, int64_t length) {
  const double dim = static_cast<double>(o.head_dim);
  const double stretch =
      o.factor * static_cast<double>(std::max(length, o.max_positions)) / static_cast<double>(o.max_positions);
  return o.theta * std::pow(stretch - (o.factor - 1), dim / (dim - 2));
}

// Short wavelengths stay, long ones are interpolated, with a smooth passage between (Llama 3.1 model card).
void stretch_llama3(const RopeOptions& o, std::vector<float>& frequencies) {
  const double context = static_cast<double>(o.original_max_positions);
  for (float& f : frequencies) {
    const double wavelength = 2 * std::numbers::pi / f;
    if (wavelength < context / o.high_freq_factor) continue;
    if (wavelength > context / o.low_freq_factor) {
      f = static_cast<float>(f / o.factor);
      continue;
    }
    const double smooth = (context / wavelength - o.low_freq_factor) / (o.high_freq_factor - o.low_freq_factor);
    f = static_cast<float>((1 - smooth) * f / o.factor + smooth * f);
  }
}

// YaRN, eq. 17-23: a ramp over dimensions between those that turn beta_fast and beta_slow times within the original
// context.
void stretch_yarn(const RopeOptions& o, std::vector<float>& frequencies) {
  const double dim = static_cast<double>(o.head_dim);
  const auto dimension_of = [&](double rotations) {
    return dim * std::log(static_cast<double>(o.original_max_positions) / (rotations * 2 * std::numbers::pi)) /
           (2 * std::log(o.theta));
  };
  double low = dimension_of(o.beta_fast), high = dimension_of(o.beta_slow);
  if (o.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] = static_cast<float>(frequencies[i] / o.factor * ramp + frequencies[i] * (1 - ramp));
  }
}

double yarn_attention_factor(const RopeOptions& o) {
  const auto mscale = [&](double weight) { return o.factor <= 1 ? 1.0 : 0.1 * weight * std::log(o.factor) + 1; };
  if (o.attention_factor) return *o.attention_factor;
  if (o.mscale.value_or(0) != 0 && o.mscale_all_dim.value_or(0) != 0)
    return mscale(*o.mscale) / mscale(*o.mscale_all_dim);
  return mscale(1);
}

// Length of the document that each token is in: a run of successive positions ends at its last position.
std::vector<int64_t> document_lengths(const int64_t* positions, int64_t n) {
  std::vector<int64_t> lengths(n);
  for (int64_t begin = 0; begin < n;) {
    int64_t end = begin + 1;
    while (end < n && positions[end] == positions[end - 1] + 1) ++end;
    std::fill(lengths.begin() + begin, lengths.begin() + end, positions[end - 1] + 1);
    begin = end;
  }
  return lengths;
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// f(pointer to the numbers) in the type that the tensor has.
template <class F>
void with_numbers(const at::Tensor& tensor, F&& f) {
  if (tensor.scalar_type() == at::kBFloat16)
    f(static_cast<kernels::BFloat16*>(tensor.data_ptr()));
  else
    f(tensor.data_ptr<float>());
}

Heads split_and_rotate(const at::Tensor& qkv, const RopeTable& table, const HeadCounts& counts) {
  const int64_t n = qkv.size(0), rotary = 2 * table.cos.size(1), dim = counts.head_dim > 0 ? counts.head_dim : rotary;
  const int64_t stride = (counts.queries + 2 * counts.keys) * dim;
  if (qkv.dim() != 2 || qkv.size(1) != stride || table.cos.size(0) != n || rotary > dim)
    fail("rope", "expected {} tokens of width {} but received {} of width {}", table.cos.size(0), stride, n,
         qkv.size(1));
  const Span span("rope", "model", n);
  const at::Tensor whole = qkv.contiguous();
  const at::ScalarType type = whole.scalar_type();
  Heads heads{fresh({n, counts.queries, dim}, type), fresh({n, counts.keys, dim}, type),
              fresh({n, counts.keys, dim}, type)};
  kernels::Rope rope{.tokens = n,
                     .head_dim = dim,
                     .rotary_dim = rotary,
                     .cos = table.cos.const_data_ptr<float>(),
                     .sin = table.sin.const_data_ptr<float>(),
                     .pairs = counts.pairs};
  with_numbers(whole, [&](auto* from) {
    using Number = std::remove_pointer_t<decltype(from)>;
    rope.heads = counts.queries;
    kernels::rotate(rope, from, stride, static_cast<Number*>(heads.q.data_ptr()), counts.queries * dim);
    rope.heads = counts.keys;
    kernels::rotate(rope, from + counts.queries * dim, stride, static_cast<Number*>(heads.k.data_ptr()),
                    counts.keys * dim);
    const Number* values = from + (counts.queries + counts.keys) * dim;
    for (int64_t t = 0; t < n; ++t)
      std::copy_n(values + t * stride, counts.keys * dim,
                  static_cast<Number*>(heads.v.data_ptr()) + t * counts.keys * dim);
  });
  return heads;
}

class SplitRotate : public torch::autograd::Function<SplitRotate> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& qkv, const RopeTable& table,
                               const HeadCounts& counts) {
    context->save_for_backward({table.cos, table.sin});
    context->saved_data["pairs"] = static_cast<int64_t>(counts.pairs);
    const Heads heads = split_and_rotate(qkv, table, counts);
    return {heads.q, heads.k, heads.v};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const Span span("rope gradient", "model");
    const auto saved = context->get_saved_variables();
    const at::Tensor dq = gradients[0].contiguous(), dk = gradients[1].contiguous(), dv = gradients[2];
    const int64_t n = dq.size(0), dim = dq.size(2), queries = dq.size(1), keys = dk.size(1);
    const int64_t stride = (queries + 2 * keys) * dim;
    const at::Tensor whole = at::empty({n, stride}, dq.options());
    kernels::Rope rope{.tokens = n,
                       .head_dim = dim,
                       .rotary_dim = 2 * saved[0].size(1),
                       .cos = saved[0].const_data_ptr<float>(),
                       .sin = saved[1].const_data_ptr<float>(),
                       .turn = kernels::Turn::kBack,
                       .pairs = static_cast<RotaryPairs>(context->saved_data["pairs"].toInt())};
    with_numbers(whole, [&](auto* to) {
      using Number = std::remove_pointer_t<decltype(to)>;
      rope.heads = queries;
      kernels::rotate(rope, static_cast<const Number*>(dq.const_data_ptr()), queries * dim, to, stride);
      rope.heads = keys;
      kernels::rotate(rope, static_cast<const Number*>(dk.const_data_ptr()), keys * dim, to + queries * dim, stride);
    });
    whole.narrow(1, (queries + keys) * dim, keys * dim).view({n, keys, dim}).copy_(dv);
    return {whole, {}, {}};
  }
};

Heads parts_of(const at::Tensor& qkv, const HeadCounts& counts) {
  const int64_t n = qkv.size(0), dim = counts.head_dim;
  const auto part = [&](int64_t first, int64_t heads) {
    return qkv.narrow(1, first * dim, heads * dim).view({n, heads, dim});
  };
  return {part(0, counts.queries), part(counts.queries, counts.keys), part(counts.queries + counts.keys, counts.keys)};
}

// The parts are views. Their gradients, which attention writes into one piece (nn/packed_attention.cpp), are that
// piece.
class Split : public torch::autograd::Function<Split> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& qkv, const HeadCounts& counts) {
    context->set_materialize_grads(false);
    context->saved_data["shape"] = std::vector<int64_t>{qkv.size(0), counts.queries, counts.keys, counts.head_dim};
    context->saved_data["dtype"] = static_cast<int64_t>(qkv.scalar_type());
    const at::AutoDispatchBelowADInplaceOrView plain_tensors;
    const Heads heads = parts_of(qkv, counts);
    return {heads.q, heads.k, heads.v};
  }

  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto shape = context->saved_data["shape"].toIntVector();
    const HeadCounts counts{.queries = shape[1], .keys = shape[2], .head_dim = shape[3]};
    const int64_t n = shape[0], width = (counts.queries + 2 * counts.keys) * counts.head_dim;
    if (const at::Tensor whole = one_piece(outer, width); whole.defined()) return {whole, {}};
    at::Tensor whole;
    for (const at::Tensor& part : outer)
      if (part.defined() && !whole.defined())
        whole = at::zeros({n, width},
                          part.options().dtype(static_cast<at::ScalarType>(context->saved_data["dtype"].toInt())));
    if (!whole.defined()) return {{}, {}};
    const Heads parts = parts_of(whole, counts);
    if (outer[0].defined()) parts.q.copy_(outer[0]);
    if (outer[1].defined()) parts.k.copy_(outer[1]);
    if (outer[2].defined()) parts.v.copy_(outer[2]);
    return {whole, {}};
  }

 private:
  // [N,width] whose columns the three are; undefined where they are not.
  static at::Tensor one_piece(const variable_list& parts, int64_t width) {
    int64_t place = 0;
    for (const at::Tensor& part : parts) {
      const bool follows = part.defined() && part.is_alias_of(parts[0]) && part.stride(0) == width &&
                           part.stride(2) == 1 && part.stride(1) == part.size(2) &&
                           part.storage_offset() == parts[0].storage_offset() + place;
      if (!follows) return {};
      place += part.size(1) * part.size(2);
    }
    return parts[0].as_strided({parts[0].size(0), width}, {width, 1}, parts[0].storage_offset());
  }
};

}  // namespace

Rope::Rope(const RopeOptions& options)
    : options_(options), inverse_frequencies_(plain_frequencies(options.head_dim, options.theta)) {
  switch (options.kind) {
    case RopeKind::kDefault:
    case RopeKind::kDynamic:
      break;
    case RopeKind::kLinear:
      for (float& f : inverse_frequencies_) f = f / static_cast<float>(options.factor);
      break;
    case RopeKind::kLlama3:
      stretch_llama3(options, inverse_frequencies_);
      break;
    case RopeKind::kYarn:
      stretch_yarn(options, inverse_frequencies_);
      attention_factor_ = yarn_attention_factor(options);
      break;
  }
}

RopeTable Rope::table(const at::Tensor& positions) const {
  const at::Tensor places = positions.to(at::kLong).contiguous();
  const int64_t n = places.numel(), half = options_.head_dim / 2;
  const int64_t* place = places.const_data_ptr<int64_t>();
  RopeTable result{at::empty({n, half}, at::kFloat), at::empty({n, half}, at::kFloat)};
  float* cosines = result.cos.mutable_data_ptr<float>();
  float* sines = result.sin.mutable_data_ptr<float>();
  std::vector<int64_t> lengths;
  if (options_.kind == RopeKind::kDynamic) lengths = document_lengths(place, n);

  std::vector<float> stretched;
  int64_t stretched_for = -1;
  for (int64_t t = 0; t < n; ++t) {
    const float* frequencies = inverse_frequencies_.data();
    if (!lengths.empty() && lengths[t] > options_.max_positions) {
      if (lengths[t] != stretched_for) {
        stretched = plain_frequencies(options_.head_dim, dynamic_theta(options_, lengths[t]));
        stretched_for = lengths[t];
      }
      frequencies = stretched.data();
    }
    for (int64_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(place[t]) * frequencies[i];
      cosines[t * half + i] = static_cast<float>(std::cos(angle) * attention_factor_);
      sines[t * half + i] = static_cast<float>(std::sin(angle) * attention_factor_);
    }
  }
  return result;
}

Heads rotate_heads(const at::Tensor& qkv, const RopeTable& table, const HeadCounts& counts) {
  if (!at::GradMode::is_enabled()) return split_and_rotate(qkv, table, counts);
  const variable_list heads = SplitRotate::apply(qkv, table, counts);
  return {heads[0], heads[1], heads[2]};
}

Heads split_heads(const at::Tensor& qkv, const HeadCounts& counts) {
  const int64_t dim = counts.head_dim;
  if (qkv.dim() != 2 || dim < 1 || qkv.size(1) != (counts.queries + 2 * counts.keys) * dim)
    fail("split_heads", "expected rows of width {} but received {}", (counts.queries + 2 * counts.keys) * dim,
         qkv.size(1));
  if (!at::GradMode::is_enabled() || !qkv.requires_grad()) return parts_of(qkv, counts);
  const variable_list heads = Split::apply(qkv, counts);
  return {heads[0], heads[1], heads[2]};
}

}  // namespace limbeck::nn
