#include "objectives/chunks.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>

#include "base/errors.h"
#include "base/phases.h"
#include "base/profile.h"
#include "tensor/gradients.h"
#include "tensor/product.h"

namespace limbeck::objectives {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows of each chunk, so that chunks are even.
int64_t chunk_rows(int64_t num_rows, const at::Tensor& weight, const ChunkOptions& options) {
  constexpr int64_t kBytes = 64 << 20;
  const int64_t bytes_per_row = weight.size(0) * (options.precision == Precision::kBf16 ? 2 : weight.element_size());
  const int64_t most = options.rows > 0 ? options.rows : std::max<int64_t>(16, kBytes / bytes_per_row);
  const int64_t num_chunks = (num_rows + most - 1) / most;
  return (num_rows + num_chunks - 1) / num_chunks;
}

// The weight as the products read it.
at::Tensor weight_for(const at::Tensor& weight, at::ScalarType type, const ChunkOptions& options) {
  if (type != at::kBFloat16 || products_read_wide_weights()) return weight.detach();
  return options.low_weight.defined() ? options.low_weight : weight.to(type);
}

struct Gradients {
  at::Tensor hidden, weight, bias;  // [M,D], [V,D], [V]; undefined where nobody asks
};

class ChunkedSum : public torch::autograd::Function<ChunkedSum> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& weight,
                            at::TensorList biases, const at::Tensor& rows, const ChunkLoss& loss,
                            const ChunkOptions& options, bool gradients_on) {
    const bool low = options.precision == Precision::kBf16;
    const auto type = low ? at::kBFloat16 : weight.scalar_type();
    const bool all_rows = rows.size(0) == hidden.size(0);
    const at::Tensor h = (all_rows ? hidden : hidden.index_select(0, rows)).to(type);
    const at::Tensor w = weight_for(weight, type, options);
    const bool for_hidden = gradients_on && hidden.requires_grad();
    const bool for_weight = gradients_on && weight.requires_grad();

    Gradients gradients;
    if (for_hidden) gradients.hidden = at::empty(h.sizes(), h.options().dtype(low ? at::kFloat : type));
    for (const at::Tensor& bias : biases)  // one or none
      if (gradients_on && bias.requires_grad()) gradients.bias = at::zeros_like(bias);
    context->saved_data["biases"] = static_cast<int64_t>(biases.size());
    const double sum = walk(h, w, rows, loss, options, for_weight, gradients);
    if (for_hidden) {
      at::Tensor whole = gradients.hidden.to(hidden.scalar_type());
      if (!all_rows) whole = at::zeros_like(hidden).index_copy_(0, rows, whole);
      gradients.hidden = whole;
    }
    context->saved_data["weight"] = weight;
    context->save_for_backward({gradients.hidden, gradients.weight, gradients.bias});
    return at::scalar_tensor(sum, weight.options().requires_grad(false));
  }

  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto saved = context->get_saved_variables();
    const bool is_one = outer[0].item<double>() == 1;
    const auto scaled = [&](const at::Tensor& gradient) {
      return !gradient.defined() || is_one ? gradient : gradient * outer[0].to(gradient.scalar_type());
    };
    const at::Tensor weight = context->saved_data["weight"].toTensor();
    variable_list result = {scaled(saved[0]), hand_over(weight, scaled(saved[1]))};
    if (context->saved_data["biases"].toInt() > 0) result.push_back(scaled(saved[2]));
    result.resize(result.size() + 4);
    return result;
  }

 private:
  // Caps logits in place; what their gradients are multiplied by, where these are wanted.
  static at::Tensor cap(at::Tensor& logits, double softcap, bool want_gradient) {
    if (softcap <= 0) return {};
    logits.div_(softcap).tanh_();
    const at::Tensor slope = want_gradient ? 1 - logits.square() : at::Tensor();
    logits.mul_(softcap);
    return slope;
  }

  static double walk(const at::Tensor& h, const at::Tensor& w, const at::Tensor& rows, const ChunkLoss& loss,
                     const ChunkOptions& options, bool for_weight, Gradients& gradients) {
    const int64_t num_rows = rows.size(0), step = chunk_rows(num_rows, w, options);
    const bool wide = h.scalar_type() == at::kDouble;
    at::Tensor buffer = at::empty({step, w.size(0)}, h.options());
    const bool want_gradient = for_weight || gradients.hidden.defined() || gradients.bias.defined();
    if (for_weight) gradients.weight = at::empty(w.sizes(), w.options().dtype(wide ? at::kDouble : at::kFloat));
    double sum = 0;
    for (int64_t begin = 0; begin < num_rows; begin += step) {
      const Span chunk("chunk of rows", "loss", std::min(step, num_rows - begin));
      const int64_t count = std::min(step, num_rows - begin);
      const at::Tensor part = h.narrow(0, begin, count);
      at::Tensor logits = buffer.narrow(0, 0, count);
      times_transposed(part, w, {}, logits);
      if (options.bias.defined()) logits.add_(options.bias.detach());
      const at::Tensor slope = cap(logits, options.softcap, want_gradient);
      sum += loss(rows.narrow(0, begin, count), logits, want_gradient);
      if (slope.defined()) logits.mul_(slope);
      if (gradients.bias.defined()) gradients.bias.add_(logits.sum({0}, false, gradients.bias.scalar_type()));
      if (gradients.hidden.defined()) {
        at::Tensor target = gradients.hidden.narrow(0, begin, count);
        times(logits, w, target);
      }
      if (for_weight) transposed_times(logits, part, gradients.weight, begin == 0 ? Into::kNew : Into::kSum);
    }
    return sum;
  }
};

}  // namespace

at::Tensor chunked_sum(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& rows,
                       const ChunkLoss& loss, const ChunkOptions& options) {
  if (hidden.dim() != 2 || weight.dim() != 2 || hidden.size(1) != weight.size(1))
    fail("chunked_sum", "expected hidden [N,D] and weight [V,D] but received {} and {}", fmt::join(hidden.sizes(), "x"),
         fmt::join(weight.sizes(), "x"));
  if (rows.size(0) > 1 && !(rows.slice(0, 1) > rows.slice(0, 0, -1)).all().item<bool>())
    fail("chunked_sum", "expected rows in ascending order, each once");
  if (rows.size(0) == 0) return at::zeros({}, weight.options().requires_grad(false));
  const Phase phase("loss", "train");
  std::vector<at::Tensor> biases;
  if (options.bias.defined()) biases.push_back(options.bias);
  return ChunkedSum::apply(hidden, weight, at::TensorList(biases), rows, loss, options, at::GradMode::is_enabled());
}

}  // namespace limbeck::objectives
