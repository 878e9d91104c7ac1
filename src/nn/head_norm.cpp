#include "nn/head_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "kernels/head_norm.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The query heads, then the key heads, of each row.
struct HeadSpans {
  int64_t queries, keys, dim, stride;
  double q_epsilon, k_epsilon;

  kernels::HeadNorm of_queries(int64_t tokens, const at::Tensor& weight) const {
    return make(tokens, queries, q_epsilon, weight);
  }
  kernels::HeadNorm of_keys(int64_t tokens, const at::Tensor& weight) const {
    return make(tokens, keys, k_epsilon, weight);
  }

 private:
  kernels::HeadNorm make(int64_t tokens, int64_t heads, double epsilon, const at::Tensor& weight) const {
    return {.tokens = tokens,
            .heads = heads,
            .dim = dim,
            .stride = stride,
            .epsilon = static_cast<float>(epsilon),
            .weight = weight.const_data_ptr<float>()};
  }
};

// f(a value of the tensor's number type)
template <class F>
void with_numbers_of(const at::Tensor& tensor, F&& f) {
  if (tensor.scalar_type() == at::kBFloat16)
    f(kernels::BFloat16{});
  else
    f(float{});
}

struct NormedHeads {
  at::Tensor y, q_scales, k_scales;
};

NormedHeads norm_all(const at::Tensor& whole, const at::Tensor& q_weight, const at::Tensor& k_weight,
                     const HeadSpans& spans) {
  const int64_t n = whole.size(0), first_value = (spans.queries + spans.keys) * spans.dim;
  const auto options = whole.options().requires_grad(false);
  NormedHeads result{at::empty(whole.sizes(), options), at::empty({n, spans.queries}, options.dtype(at::kFloat)),
                     at::empty({n, spans.keys}, options.dtype(at::kFloat))};
  with_numbers_of(whole, [&](auto number) {
    using Number = decltype(number);
    const auto* x = static_cast<const Number*>(whole.const_data_ptr());
    auto* y = static_cast<Number*>(result.y.mutable_data_ptr());
    const int64_t first_key = spans.queries * spans.dim;
    kernels::head_norm(spans.of_queries(n, q_weight), x, y, result.q_scales.data_ptr<float>());
    kernels::head_norm(spans.of_keys(n, k_weight), x + first_key, y + first_key, result.k_scales.data_ptr<float>());
  });
  const int64_t values = spans.stride - first_value;
  result.y.narrow(1, first_value, values).copy_(whole.narrow(1, first_value, values));
  return result;
}

class NormHeads : public torch::autograd::Function<NormHeads> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv, const at::Tensor& q_weight,
                            const at::Tensor& k_weight, const HeadSpans& spans) {
    const at::Tensor whole = qkv.contiguous();
    const NormedHeads normed = norm_all(whole, q_weight, k_weight, spans);
    context->save_for_backward({whole, q_weight, k_weight, normed.q_scales, normed.k_scales});
    return normed.y;
  }

  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &whole = saved[0], &q_weight = saved[1], &k_weight = saved[2];
    const at::Tensor dy = outer[0].to(whole.scalar_type()).contiguous();
    const int64_t n = whole.size(0), dim = q_weight.size(0);
    const HeadSpans spans{saved[3].size(1), saved[4].size(1), dim, whole.size(1), 0, 0};
    const at::Tensor dx = at::empty_like(whole), dq = at::empty_like(q_weight), dk = at::empty_like(k_weight);
    with_numbers_of(whole, [&](auto number) {
      using Number = decltype(number);
      const auto *x = static_cast<const Number*>(whole.const_data_ptr()),
                 *from = static_cast<const Number*>(dy.const_data_ptr());
      auto* to = static_cast<Number*>(dx.mutable_data_ptr());
      const int64_t first_key = spans.queries * dim;
      kernels::head_norm_gradient(spans.of_queries(n, q_weight), x, saved[3].const_data_ptr<float>(), from, to,
                                  dq.data_ptr<float>());
      kernels::head_norm_gradient(spans.of_keys(n, k_weight), x + first_key, saved[4].const_data_ptr<float>(),
                                  from + first_key, to + first_key, dk.data_ptr<float>());
    });
    const int64_t first_value = (spans.queries + spans.keys) * dim, values = spans.stride - first_value;
    dx.narrow(1, first_value, values).copy_(dy.narrow(1, first_value, values));
    return {dx, dq, dk, {}};
  }
};

}  // namespace

at::Tensor norm_heads(const at::Tensor& qkv, const RmsNorm& q_norm, const RmsNorm& k_norm, const HeadCounts& counts) {
  const at::Tensor q_weight = q_norm.multiplier(), k_weight = k_norm.multiplier();
  const int64_t dim = q_weight.size(0), width = (counts.queries + 2 * counts.keys) * dim;
  if (qkv.dim() != 2 || qkv.size(1) != width || k_weight.size(0) != dim)
    fail("norm_heads", "expected rows of width {} but received {}", width, qkv.dim() == 2 ? qkv.size(1) : -1);
  const HeadSpans spans{counts.queries, counts.keys, dim, width, q_norm.epsilon(), k_norm.epsilon()};
  if (!at::GradMode::is_enabled()) return norm_all(qkv.contiguous(), q_weight, k_weight, spans).y;
  return NormHeads::apply(qkv, q_weight, k_weight, spans);
}

}  // namespace limbeck::nn
