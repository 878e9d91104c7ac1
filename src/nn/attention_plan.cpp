#include "nn/attention_plan.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <type_traits>

#include "base/errors.h"
#include "base/profile.h"
#include "kernels/causal_attention.h"

namespace limbeck::nn {
namespace {

using kernels::BFloat16;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Settings {
  const std::vector<int64_t>& offsets;
  AttentionOptions options;
};

kernels::CausalShape shape_of(const std::vector<int64_t>& offsets, const AttentionOptions& options, const at::Tensor& q,
                              const at::Tensor& k) {
  return {.offsets = offsets,
          .heads = q.size(1),
          .key_heads = k.size(1),
          .head_dim = q.size(2),
          .scale = static_cast<float>(options.scale),
          .window = options.window.value_or(0),
          .softcap = static_cast<float>(options.softcap)};
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
  return static_cast<Number*>(tensor.data_ptr());
}

struct Attended {
  at::Tensor y, log_sums;  // [N,H,E], [N,H]
};

Attended attend_by_kernel(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Settings& settings) {
  const Span span("attention", "model", q.size(0));
  const auto options = q.options().requires_grad(false);
  Attended result{at::empty(q.sizes(), options), at::empty({q.size(0), q.size(1)}, options.dtype(at::kFloat))};
  with_type(q, [&](auto number) {
    using Number = decltype(number);
    kernels::causal_attention(shape_of(settings.offsets, settings.options, q, k), numbers<const Number>(q),
                              numbers<const Number>(k), numbers<const Number>(v), numbers<Number>(result.y),
                              result.log_sums.data_ptr<float>());
  });
  return result;
}

class KernelAttention : public torch::autograd::Function<KernelAttention> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const Settings& settings) {
    const Attended attended = attend_by_kernel(q, k, v, settings);
    context->saved_data["offsets"] = settings.offsets;
    context->saved_data["scale"] = settings.options.scale;
    context->saved_data["window"] = settings.options.window.value_or(0);
    context->saved_data["softcap"] = settings.options.softcap;
    context->save_for_backward({q, k, v, attended.y, attended.log_sums});
    return attended.y;
  }

  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2];
    const Span span("attention gradient", "model", q.size(0));
    const at::Tensor dy = outer[0].contiguous();
    const std::vector<int64_t> offsets = context->saved_data["offsets"].toIntVector();
    AttentionOptions options{.scale = context->saved_data["scale"].toDouble(),
                             .window = {},
                             .softcap = context->saved_data["softcap"].toDouble()};
    if (const int64_t window = context->saved_data["window"].toInt(); window > 0) options.window = window;
    const at::Tensor dq = at::empty_like(q), dk = at::empty_like(k), dv = at::empty_like(v);
    with_type(q, [&](auto number) {
      using Number = decltype(number);
      kernels::CausalGradient<Number> gradient;
      gradient.q = numbers<const Number>(q);
      gradient.k = numbers<const Number>(k);
      gradient.v = numbers<const Number>(v);
      gradient.y = numbers<const Number>(saved[3]);
      gradient.dy = numbers<const Number>(dy);
      gradient.log_sums = saved[4].const_data_ptr<float>();
      gradient.dq = numbers<Number>(dq);
      gradient.dk = numbers<Number>(dk);
      gradient.dv = numbers<Number>(dv);
      kernels::causal_attention_gradient(shape_of(offsets, options, q, k), gradient);
    });
    return {dq, dk, dv, {}};
  }
};

// q [1,H,T,E], k and v [1,K,T,E] of one document, with capped scores -> [T,H,E]
at::Tensor attend_capped(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                         const std::optional<at::Tensor>& mask, const AttentionOptions& options) {
  const int64_t length = q.size(2), group = q.size(1) / k.size(1);
  const at::Tensor keys = k.repeat_interleave(group, 1), values = v.repeat_interleave(group, 1);
  at::Tensor scores = at::matmul(q, keys.transpose(2, 3)) * options.scale;
  scores = at::tanh(scores / options.softcap) * options.softcap;
  const at::Tensor seen =
      mask ? *mask : at::ones({length, length}, q.options().dtype(at::kBool).requires_grad(false)).tril();
  return at::matmul(at::softmax(scores.masked_fill(seen.logical_not(), -1e30), -1), values).squeeze(0).transpose(0, 1);
}

// Any device and dtype: LibTorch's attention, document by document.
at::Tensor attend_by_libtorch(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Settings& settings) {
  std::vector<at::Tensor> parts;
  for (std::size_t i = 0; i + 1 < settings.offsets.size(); ++i) {
    const int64_t begin = settings.offsets[i], length = settings.offsets[i + 1] - begin;
    const auto document = [&](const at::Tensor& x) { return x.narrow(0, begin, length).transpose(0, 1).unsqueeze(0); };
    std::optional<at::Tensor> mask;
    if (settings.options.window && *settings.options.window < length) {
      const at::Tensor place = at::arange(length, q.options().dtype(at::kLong).requires_grad(false));
      const at::Tensor age = place.unsqueeze(1) - place;
      mask = (age >= 0).logical_and(age < *settings.options.window);
    }
    if (settings.options.softcap > 0) {
      parts.push_back(attend_capped(document(q), document(k), document(v), mask, settings.options));
      continue;
    }
    const at::Tensor y = at::scaled_dot_product_attention(document(q), document(k), document(v), mask, 0.0, !mask,
                                                          settings.options.scale, q.size(1) != k.size(1));
    parts.push_back(y.squeeze(0).transpose(0, 1));
  }
  return at::cat(parts);
}

class PackedCausal final : public AttentionPlan {
 public:
  explicit PackedCausal(std::vector<int64_t> offsets) : offsets_(std::move(offsets)) {
    if (offsets_.size() < 2 || offsets_.front() != 0)
      fail("packed_causal", "expected offsets 0, …, N but received {} of them", offsets_.size());
    for (std::size_t i = 1; i < offsets_.size(); ++i)
      if (offsets_[i] <= offsets_[i - 1])
        fail("packed_causal", "expected growing offsets but received {} after {}", offsets_[i], offsets_[i - 1]);
    positions_ = at::empty({offsets_.back()}, at::kLong);
    int64_t* position = positions_.mutable_data_ptr<int64_t>();
    for (std::size_t i = 1; i < offsets_.size(); ++i)
      for (int64_t t = offsets_[i - 1]; t < offsets_[i]; ++t) position[t] = t - offsets_[i - 1];
  }

  at::Tensor positions() const override { return positions_; }

  at::Tensor attend(int64_t, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionOptions& options) override {
    if (q.size(0) != offsets_.back())
      fail("packed_causal", "expected {} tokens but received {}", offsets_.back(), q.size(0));
    if (k.size(1) < 1 || q.size(1) % k.size(1) != 0)
      fail("packed_causal", "expected query heads in a multiple of {} key heads but received {}", k.size(1), q.size(1));
    const Settings settings{offsets_, options};
    const bool known = q.scalar_type() == at::kFloat || q.scalar_type() == at::kBFloat16;
    const bool alike = q.scalar_type() == k.scalar_type() && q.scalar_type() == v.scalar_type();
    if (!known || !alike || !q.device().is_cpu() || q.size(2) % 2 != 0) return attend_by_libtorch(q, k, v, settings);
    if (!at::GradMode::is_enabled())
      return attend_by_kernel(q.contiguous(), k.contiguous(), v.contiguous(), settings).y;
    return KernelAttention::apply(q.contiguous(), k.contiguous(), v.contiguous(), settings);
  }

 private:
  std::vector<int64_t> offsets_;
  at::Tensor positions_;
};

}  // namespace

std::unique_ptr<AttentionPlan> packed_causal(std::vector<int64_t> offsets) {
  return std::make_unique<PackedCausal>(std::move(offsets));
}

}  // namespace limbeck::nn
