#include "nn/dropout.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "kernels/dropout.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor dropped(const at::Tensor& x, const at::Tensor& keys, uint64_t salt, double rate) {
  const at::Tensor rows = x.contiguous(), y = at::empty(x.sizes(), x.options().requires_grad(false));
  const kernels::Dropout task{
      .rows = x.size(0), .width = x.size(1), .keys = keys.const_data_ptr<int64_t>(), .salt = salt, .rate = rate};
  if (x.scalar_type() == at::kBFloat16)
    kernels::dropout(task, static_cast<const kernels::BFloat16*>(rows.const_data_ptr()),
                     static_cast<kernels::BFloat16*>(y.mutable_data_ptr()));
  else
    kernels::dropout(task, rows.const_data_ptr<float>(), y.mutable_data_ptr<float>());
  return y;
}

class DropNumbers : public torch::autograd::Function<DropNumbers> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& keys, int64_t salt,
                            double rate) {
    context->save_for_backward({keys});
    context->saved_data["salt"] = salt;
    context->saved_data["rate"] = rate;
    return dropped(x, keys, static_cast<uint64_t>(salt), rate);
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    return {dropped(outer[0], context->get_saved_variables()[0],
                    static_cast<uint64_t>(context->saved_data["salt"].toInt()), context->saved_data["rate"].toDouble()),
            {},
            {},
            {}};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& x, const at::Tensor& keys, uint64_t salt, double rate) {
  if (x.dim() != 2 || keys.dim() != 1 || keys.size(0) != x.size(0) || keys.scalar_type() != at::kLong)
    fail("dropout", "expected a key for each of {} rows but received {}", x.size(0), keys.numel());
  if (!(rate >= 0) || rate >= 1) fail("dropout", "expected a rate of 0 to below 1 but received {}", rate);
  if (rate == 0) return x;
  if (!at::GradMode::is_enabled()) return dropped(x, keys, salt, rate);
  return DropNumbers::apply(x, keys.contiguous(), static_cast<int64_t>(salt), rate);
}

}  // namespace limbeck::nn
