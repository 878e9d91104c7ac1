#include "nn/packed_attention.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <type_traits>
#include <utility>

#include "base/profile.h"
#include "kernels/hashed_mask.h"
#include "kernels/packed_attention.h"

namespace limbeck::nn {
namespace {

using kernels::BFloat16;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

kernels::AttentionShape shape_of(const PackedDocuments& documents, const AttentionOptions& options, const at::Tensor& q,
                                 const at::Tensor& k) {
  return {.offsets = documents.offsets,
          .heads = q.size(1),
          .key_heads = k.size(1),
          .head_dim = q.size(2),
          .scale = static_cast<float>(options.scale),
          .causal = documents.causal,
          .window = options.window.value_or(0),
          .softcap = static_cast<float>(options.softcap),
          .dropout = documents.dropout,
          .dropout_keys = documents.dropout_keys,
          .q_stride = q.stride(0),
          .kv_stride = k.stride(0)};
}

// f(a value of the tensor's number type)
template <class F>
void with_type(const at::Tensor& tensor, F&& f) {
  if (tensor.scalar_type() == at::kBFloat16)
    f(BFloat16{});
  else
    f(float{});
}

template <class Number>
Number* numbers(const at::Tensor& tensor) {
  if constexpr (std::is_const_v<Number>)
    return static_cast<Number*>(tensor.const_data_ptr());
  else
    return static_cast<Number*>(tensor.mutable_data_ptr());
}

// The heads of a token stand side by side.
at::Tensor with_tokens_whole(const at::Tensor& x) {
  const bool whole = x.stride(2) == 1 && x.stride(1) == x.size(2) && x.stride(0) >= x.size(1) * x.size(2);
  return whole ? x : x.contiguous();
}

struct Operands {
  Operands(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values)
      : q(with_tokens_whole(queries)), k(with_tokens_whole(keys)), v(with_tokens_whole(values)) {
    if (k.stride(0) == v.stride(0)) return;
    k = k.contiguous();
    v = v.contiguous();
  }
  at::Tensor q, k, v;
};

struct Attended {
  at::Tensor y, log_sums;  // [N,H,E], [N,H]
};

Attended attend_by_kernel(const Operands& in, const PackedDocuments& documents, const AttentionOptions& options,
                          bool keep_sums) {
  const Span span("attention", "model", in.q.size(0));
  const auto type = in.q.options().requires_grad(false);
  Attended result{at::empty(in.q.sizes(), type), {}};
  if (keep_sums) result.log_sums = at::empty({in.q.size(0), in.q.size(1)}, type.dtype(at::kFloat));
  with_type(in.q, [&](auto number) {
    using Number = decltype(number);
    kernels::packed_attention(shape_of(documents, options, in.q, in.k), numbers<const Number>(in.q),
                              numbers<const Number>(in.k), numbers<const Number>(in.v), numbers<Number>(result.y),
                              keep_sums ? result.log_sums.mutable_data_ptr<float>() : nullptr);
  });
  return result;
}

// Gradients lie as what they are gradients of: queries, keys and values of one product have theirs in one piece, too.
struct OperandGradients {
  explicit OperandGradients(const Operands& in) {
    const int64_t tokens = in.q.size(0), stride = in.q.stride(0), heads = in.q.size(1), key_heads = in.k.size(1);
    const int64_t q_width = heads * in.q.size(2), k_width = key_heads * in.q.size(2);
    const auto type = in.q.options().requires_grad(false);
    if (stride == in.k.stride(0) && stride == q_width + 2 * k_width) {
      const at::Tensor whole = at::empty({tokens, heads + 2 * key_heads, in.q.size(2)}, type);
      q = whole.narrow(1, 0, heads);
      k = whole.narrow(1, heads, key_heads);
      v = whole.narrow(1, heads + key_heads, key_heads);
      return;
    }
    const auto like = [&](const at::Tensor& x) { return at::empty_strided(x.sizes(), x.strides(), type); };
    q = like(in.q), k = like(in.k), v = like(in.v);
  }
  at::Tensor q, k, v;
};

class KernelAttention : public torch::autograd::Function<KernelAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const PackedDocuments& documents, const AttentionOptions& options) {
    const Operands in(q, k, v);
    const Attended attended = attend_by_kernel(in, documents, options, true);
    context->saved_data["offsets"] = documents.offsets;
    context->saved_data["causal"] = documents.causal;
    context->saved_data["dropout"] = documents.dropout;
    context->saved_data["dropout_keys"] =
        std::vector<int64_t>(documents.dropout_keys.begin(), documents.dropout_keys.end());
    context->saved_data["scale"] = options.scale;
    context->saved_data["window"] = options.window.value_or(0);
    context->saved_data["softcap"] = options.softcap;
    context->save_for_backward({in.q, in.k, in.v, attended.y, attended.log_sums});
    return attended.y;
  }

  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto saved = context->get_saved_variables();
    const Operands in(saved[0], saved[1], saved[2]);
    const Span span("attention gradient", "model", in.q.size(0));
    const at::Tensor dy = outer[0].contiguous();
    const std::vector<int64_t> offsets = context->saved_data["offsets"].toIntVector();
    const std::vector<int64_t> keys = context->saved_data["dropout_keys"].toIntVector();
    const PackedDocuments documents{.offsets = offsets,
                                    .causal = context->saved_data["causal"].toBool(),
                                    .dropout = context->saved_data["dropout"].toDouble(),
                                    .dropout_keys = {keys.begin(), keys.end()}};
    AttentionOptions options{.scale = context->saved_data["scale"].toDouble(),
                             .window = {},
                             .softcap = context->saved_data["softcap"].toDouble()};
    if (const int64_t window = context->saved_data["window"].toInt(); window > 0) options.window = window;
    const OperandGradients result(in);
    with_type(in.q, [&](auto number) {
      using Number = decltype(number);
      kernels::AttentionGradient<Number> gradient;
      gradient.q = numbers<const Number>(in.q);
      gradient.k = numbers<const Number>(in.k);
      gradient.v = numbers<const Number>(in.v);
      gradient.y = numbers<const Number>(saved[3]);
      gradient.dy = numbers<const Number>(dy);
      gradient.log_sums = saved[4].const_data_ptr<float>();
      gradient.dq = numbers<Number>(result.q);
      gradient.dk = numbers<Number>(result.k);
      gradient.dv = numbers<Number>(result.v);
      kernels::packed_attention_gradient(shape_of(documents, options, in.q, in.k), gradient);
    });
    return {result.q, result.k, result.v, {}, {}};
  }
};

// [H,T,T]: 0 where a weight is dropped, 1 / (1 - rate) elsewhere; the masks of kernels/packed_attention.h.
at::Tensor dropout_mask(const PackedDocuments& documents, std::size_t document, int64_t heads, int64_t length) {
  const at::Tensor mask = at::empty({heads, length, length}, at::kFloat);
  float* to = mask.mutable_data_ptr<float>();
  const uint32_t threshold = kernels::mask_threshold(documents.dropout);
  const auto kept = static_cast<float>(1 / (1 - documents.dropout));
  for (int64_t head = 0; head < heads; ++head)
    for (int64_t query = 0; query < length; ++query) {
      const kernels::MaskRow row = kernels::attention_mask_row(documents.dropout_keys[document], heads, head, query);
      for (int64_t key = 0; key < length; ++key)
        *to++ = kernels::drawn(static_cast<uint32_t>(key), row.low, row.high) < threshold ? 0.0f : kept;
    }
  return mask;
}

// q [1,H,T,E], k and v [1,K,T,E] of one document; seen [T,T], or undefined: all; dropped [H,T,T] or undefined ->
// [T,H,E]. What LibTorch's attention has no words for: capped scores, and masks of dropout that are given.
at::Tensor attend_by_definition(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& seen,
                                const at::Tensor& dropped, const AttentionOptions& options) {
  const int64_t group = q.size(1) / k.size(1);
  const at::Tensor keys = k.repeat_interleave(group, 1), values = v.repeat_interleave(group, 1);
  at::Tensor scores = at::matmul(q, keys.transpose(2, 3)) * options.scale;
  if (options.softcap > 0) scores = at::tanh(scores / options.softcap) * options.softcap;
  if (seen.defined()) scores = scores.masked_fill(seen.logical_not(), -1e30);
  at::Tensor weights = at::softmax(scores, -1);
  if (dropped.defined()) weights = weights * dropped.to(weights.options().requires_grad(false));
  return at::matmul(weights, values).squeeze(0).transpose(0, 1);
}

at::Tensor attend_by_libtorch(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                              const PackedDocuments& documents, const AttentionOptions& options) {
  std::vector<at::Tensor> parts;
  for (std::size_t i = 0; i + 1 < documents.offsets.size(); ++i) {
    const int64_t begin = documents.offsets[i], length = documents.offsets[i + 1] - begin;
    const auto document = [&](const at::Tensor& x) { return x.narrow(0, begin, length).transpose(0, 1).unsqueeze(0); };
    const bool windowed = options.window && *options.window < length;
    const bool plain = options.softcap == 0 && documents.dropout == 0;
    at::Tensor seen;
    if (documents.causal && (windowed || !plain)) {
      const at::Tensor place = at::arange(length, q.options().dtype(at::kLong).requires_grad(false));
      const at::Tensor age = place.unsqueeze(1) - place;
      seen = age >= 0;
      if (windowed) seen = seen.logical_and(age < *options.window);
    }
    if (!plain) {
      const at::Tensor dropped = documents.dropout > 0 ? dropout_mask(documents, i, q.size(1), length) : at::Tensor();
      parts.push_back(attend_by_definition(document(q), document(k), document(v), seen, dropped, options));
      continue;
    }
    const std::optional<at::Tensor> mask = seen.defined() ? std::optional(seen) : std::nullopt;
    const at::Tensor y =
        at::scaled_dot_product_attention(document(q), document(k), document(v), mask, 0.0, documents.causal && !mask,
                                         options.scale, q.size(1) != k.size(1));
    parts.push_back(y.squeeze(0).transpose(0, 1));
  }
  return at::cat(parts);
}

}  // namespace

at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const PackedDocuments& documents, const AttentionOptions& options) {
  const bool known = q.scalar_type() == at::kFloat || q.scalar_type() == at::kBFloat16;
  const bool alike = q.scalar_type() == k.scalar_type() && q.scalar_type() == v.scalar_type();
  if (!known || !alike || !q.device().is_cpu() || q.size(2) % 2 != 0)
    return attend_by_libtorch(q, k, v, documents, options);
  if (!at::GradMode::is_enabled()) return attend_by_kernel(Operands(q, k, v), documents, options, false).y;
  return KernelAttention::apply(q, k, v, documents, options);
}

}  // namespace limbeck::nn
