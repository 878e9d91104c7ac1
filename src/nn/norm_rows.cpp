#include "nn/norm_rows.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "base/profile.h"
#include "kernels/rms_norm.h"
#include "tensor/dtype.h"

namespace limbeck::nn {
namespace {

kernels::BFloat16* low(const at::Tensor& t) {
  return static_cast<kernels::BFloat16*>(t.mutable_data_ptr());
}
const kernels::BFloat16* const_low(const at::Tensor& t) {
  return static_cast<const kernels::BFloat16*>(t.const_data_ptr());
}
bool is_low(const at::Tensor& t) {
  return t.scalar_type() == at::kBFloat16;
}

}  // namespace

NormedRows normalise(const at::Tensor& x, const at::Tensor& delta, const NormSettings& settings, KeptSum keep) {
  const at::Tensor& weight = settings.weight;
  if (x.dim() != 2 || x.size(1) != weight.size(0))
    fail("rms_norm", "expected an input of width {} but received {}", weight.size(0), x.dim() == 2 ? x.size(1) : -1);
  const Span span("norm", "model", x.size(0));
  const at::Tensor rows = x.to(at::kFloat).contiguous();
  const auto options = rows.options().requires_grad(false);
  NormedRows result{delta.defined() ? at::empty(rows.sizes(), options) : rows,
                    {},
                    at::empty({rows.size(0)}, options),
                    at::empty(rows.sizes(), options.dtype(dtype_of(settings.output)))};
  kernels::RmsNorm norm{.rows = rows.size(0), .width = rows.size(1), .epsilon = static_cast<float>(settings.epsilon)};
  const at::Tensor addend = delta.defined() ? delta.contiguous() : delta;
  norm.x = rows.const_data_ptr<float>();
  if (addend.defined() && is_low(addend)) norm.delta_low = const_low(addend);
  if (addend.defined() && !is_low(addend)) norm.delta = addend.const_data_ptr<float>();
  norm.weight = weight.const_data_ptr<float>();
  if (addend.defined()) norm.sum = result.sum.mutable_data_ptr<float>();
  norm.scale = result.scale.mutable_data_ptr<float>();
  result.kept = keep == KeptSum::kRounded ? at::empty(rows.sizes(), options.dtype(at::kBFloat16)) : result.sum;
  if (keep == KeptSum::kRounded) norm.sum_low = low(result.kept);
  if (is_low(result.y))
    norm.y_low = low(result.y);
  else
    norm.y = result.y.mutable_data_ptr<float>();
  kernels::rms_norm(norm);
  return result;
}

at::Tensor normed_again(const NormedRows& kept, const NormSettings& norm) {
  const at::Tensor scaled = at::mul(kept.kept.to(at::kFloat), kept.scale.unsqueeze(1));
  return scaled.mul_(norm.weight).to(dtype_of(norm.output));
}

NormGradients norm_gradients(const NormedRows& rows, const NormSettings& settings, const at::Tensor& dy,
                             const NormGradientRequest& request) {
  const Span span("norm gradient", "model", rows.kept.size(0));
  const bool rounded = is_low(rows.kept);
  const at::Tensor gradient = (rounded ? dy.to(at::kBFloat16) : dy).contiguous();
  const at::Tensor outer = request.dsum.defined() ? request.dsum.contiguous() : request.dsum;
  const auto wide = rows.scale.options();
  NormGradients result{at::empty(rows.kept.sizes(), wide), {}, at::empty(settings.weight.sizes(), wide), {}};
  kernels::RmsNormGradient g{.rows = rows.kept.size(0), .width = rows.kept.size(1)};
  if (rounded)
    g.sum_low = const_low(rows.kept);
  else
    g.sum = rows.kept.const_data_ptr<float>();
  g.scale = rows.scale.const_data_ptr<float>();
  g.weight = settings.weight.const_data_ptr<float>();
  if (is_low(gradient))
    g.dy_low = const_low(gradient);
  else
    g.dy = gradient.const_data_ptr<float>();
  if (outer.defined()) g.dsum = outer.const_data_ptr<float>();
  g.dx = result.x.mutable_data_ptr<float>();
  if (request.delta_type == at::kBFloat16) {
    result.delta = at::empty(rows.kept.sizes(), wide.dtype(at::kBFloat16));
    g.dx_low = low(result.delta);
  }
  g.dweight = result.weight.mutable_data_ptr<float>();
  if (request.want_y) {
    result.y = at::empty(rows.kept.sizes(), wide.dtype(dtype_of(settings.output)));
    if (is_low(result.y))
      g.y_low = low(result.y);
    else
      g.y = result.y.mutable_data_ptr<float>();
  }
  kernels::rms_norm_gradient(g);
  if (request.delta_type == at::kFloat) result.delta = result.x;
  return result;
}

}  // namespace limbeck::nn
