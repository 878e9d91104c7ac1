#include "tensor/product.h"

#include <ATen/ATen.h>

#include "base/profile.h"
#include "kernels/matrix_product.h"

namespace limbeck {
namespace {

using kernels::BFloat16;
using kernels::Contracted;

bool rows_are_runs(const at::Tensor& t) {
  return t.dim() == 2 && (t.size(1) <= 1 || t.stride(1) == 1) && t.stride(0) >= t.size(1);
}

// Whether the kernel takes these operands and gives this result.
bool kernel_takes(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c) {
  const auto type = a.scalar_type();
  if (!a.device().is_cpu() || !b.device().is_cpu()) return false;
  if (b.scalar_type() != type && !(b.scalar_type() == at::kFloat && type == at::kBFloat16)) return false;
  if (type != at::kFloat && type != at::kBFloat16) return false;
  if (c.scalar_type() != at::kFloat && (c.scalar_type() != at::kBFloat16 || type != at::kBFloat16)) return false;
  return rows_are_runs(a) && rows_are_runs(b) && rows_are_runs(c) && kernels::products_are_fast(type == at::kBFloat16);
}

struct Request {
  const at::Tensor &a, &b;
  Contracted a_side, b_side;
  at::Tensor& c;
  at::Tensor bias;
  bool add = false;
};

template <class Number>
void run(const Request& r) {
  const auto operand = [](const at::Tensor& t, Contracted side) {
    return kernels::Operand<Number>{static_cast<const Number*>(t.const_data_ptr()), t.stride(0), side};
  };
  const at::Tensor bias = r.bias.defined() ? r.bias.to(at::kFloat).contiguous() : r.bias;
  kernels::MatrixProduct<Number> product;
  product.m = r.c.size(0);
  product.n = r.c.size(1);
  product.k = r.a.size(r.a_side == Contracted::kWithinRows ? 1 : 0);
  product.a = operand(r.a, r.a_side);
  if (r.b.scalar_type() == r.a.scalar_type())
    product.b = operand(r.b, r.b_side);
  else
    product.b_wide = {r.b.const_data_ptr<float>(), r.b.stride(0), r.b_side};
  if (bias.defined()) product.bias = bias.const_data_ptr<float>();
  if (r.c.scalar_type() == at::kBFloat16)
    product.c_low = static_cast<BFloat16*>(r.c.mutable_data_ptr());
  else
    product.c = r.c.mutable_data_ptr<float>();
  product.c_stride = r.c.stride(0);
  product.add = r.add;
  kernels::multiply(product);
}

bool by_kernel(const Request& request) {
  if (!kernel_takes(request.a, request.b, request.c)) return false;
  if (request.a.scalar_type() == at::kBFloat16)
    run<BFloat16>(request);
  else
    run<float>(request);
  return true;
}

void check(const char* where, int64_t one, int64_t other) {
  TORCH_CHECK(one == other, "[", where, "] expected operands that share a side but received ", one, " and ", other);
}

at::Tensor result_of(const at::Tensor& like, int64_t rows, int64_t columns) {
  return at::empty({rows, columns}, like.options().requires_grad(false));
}

// Weights in the dtype of the rows, for LibTorch.
at::Tensor alike(const at::Tensor& weights, const at::Tensor& rows) {
  return weights.to(rows.scalar_type());
}

}  // namespace

bool products_read_wide_weights() {
  return kernels::products_are_fast(true);
}

void times_transposed(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias, at::Tensor& y) {
  const Span span("product", "model", x.size(0));
  check("times_transposed", x.size(1), w.size(1));
  if (by_kernel({x, w, Contracted::kWithinRows, Contracted::kWithinRows, y, bias})) return;
  if (!bias.defined() && y.scalar_type() == x.scalar_type()) {
    at::mm_out(y, x, alike(w, x).t());
    return;
  }
  y.copy_(at::linear(x, alike(w, x), bias.defined() ? bias.to(x.scalar_type()) : bias));
}

at::Tensor times_transposed(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias) {
  at::Tensor y = result_of(x, x.size(0), w.size(0));
  times_transposed(x, w, bias, y);
  return y;
}

void times(const at::Tensor& dy, const at::Tensor& w, at::Tensor& dx) {
  const Span span("product gradient", "model", dy.size(0));
  check("times", dy.size(1), w.size(0));
  if (by_kernel({dy, w, Contracted::kWithinRows, Contracted::kAcrossRows, dx, {}})) return;
  if (dx.scalar_type() == dy.scalar_type())
    at::mm_out(dx, dy, alike(w, dy));
  else
    dx.copy_(at::mm(dy, alike(w, dy)));
}

at::Tensor times(const at::Tensor& dy, const at::Tensor& w) {
  at::Tensor dx = result_of(dy, dy.size(0), w.size(1));
  times(dy, w, dx);
  return dx;
}

void transposed_times(const at::Tensor& dy, const at::Tensor& x, at::Tensor& dw, Into into) {
  const Span span("product gradient", "model", x.size(0));
  check("transposed_times", dy.size(0), x.size(0));
  if (by_kernel({dy, x, Contracted::kAcrossRows, Contracted::kAcrossRows, dw, {}, into == Into::kSum})) return;
  if (dw.scalar_type() == dy.scalar_type()) {
    if (into == Into::kSum)
      dw.addmm_(dy.t(), x);
    else
      at::mm_out(dw, dy.t(), x);
  } else if (into == Into::kSum) {
    dw.add_(at::mm(dy.t(), x));
  } else {
    dw.copy_(at::mm(dy.t(), x));
  }
}

}  // namespace limbeck
