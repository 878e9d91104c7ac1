#include "objectives/cross_entropy.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "base/errors.h"
#include "kernels/softmax_cross_entropy.h"

namespace limbeck::objectives {
namespace {

// Any device and dtype; the reference of the kernels.
double loss_by_tensors(const at::Tensor& targets, const at::Tensor& weights, at::Tensor& logits, bool want_gradient) {
  const at::Tensor wide = logits.scalar_type() == at::kBFloat16 ? logits.to(at::kFloat) : logits;
  const at::Tensor column = targets.unsqueeze(1), weight = weights.to(wide.scalar_type()).unsqueeze(1);
  const at::Tensor log_sum = at::logsumexp(wide, {1}, /*keepdim=*/true);
  const double sum = ((log_sum - wide.gather(1, column)) * weight).sum().item<double>();
  if (want_gradient) logits.copy_((at::exp(wide - log_sum) * weight).scatter_add_(1, column, -weight));
  return sum;
}

// CPU rows, each by one thread; the sum over rows is in their order, so it does not depend on the number of threads.
double loss_by_kernel(const at::Tensor& targets, const at::Tensor& weights, at::Tensor& logits, bool want_gradient) {
  const int64_t num_rows = logits.size(0);
  const auto columns = static_cast<std::size_t>(logits.size(1));
  const int64_t* target = targets.const_data_ptr<int64_t>();
  const float* weight = weights.const_data_ptr<float>();
  std::vector<double> losses(num_rows);
  const int64_t worth_a_thread = std::max<int64_t>(1, 65536 / logits.size(1));
  at::parallel_for(0, num_rows, worth_a_thread, [&](int64_t begin, int64_t end) {
    std::vector<float> scratch(logits.scalar_type() == at::kBFloat16 ? columns : 0);
    for (int64_t i = begin; i < end; ++i) {
      if (logits.scalar_type() == at::kBFloat16) {
        auto* row = static_cast<uint16_t*>(logits.data_ptr()) + i * columns;
        losses[i] = kernels::softmax_cross_entropy_bf16({row, columns}, target[i], weight[i], scratch);
      } else if (float* row = static_cast<float*>(logits.data_ptr()) + i * columns; want_gradient) {
        losses[i] = kernels::softmax_cross_entropy({row, columns}, target[i], weight[i]);
      } else {
        losses[i] = kernels::cross_entropy({row, columns}, target[i]);
      }
    }
  });
  double sum = 0;
  for (int64_t i = 0; i < num_rows; ++i) sum += losses[i] * weight[i];
  return sum;
}

void check_targets(const at::Tensor& targets, const at::Tensor& rows, int64_t vocabulary) {
  const at::Tensor chosen = targets.index_select(0, rows);
  const int64_t most = chosen.max().item<int64_t>();
  if (most >= vocabulary)
    fail("cross_entropy", "expected targets below {} (the rows of the output weight) but received {}", vocabulary,
         most);
}

}  // namespace

Term cross_entropy(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                   const at::Tensor& weights, const ChunkOptions& options) {
  if (targets.sizes() != hidden.sizes().slice(0, 1) || weights.sizes() != targets.sizes())
    fail("cross_entropy", "expected a target and a weight for each of {} rows but received {} and {}", hidden.size(0),
         targets.numel(), weights.numel());
  const at::Tensor rows = at::nonzero((targets >= 0) & (weights != 0)).squeeze(1);
  Term term{.name = "cross_entropy", .sum = {}, .count = 0};
  if (rows.size(0) > 0) {
    check_targets(targets, rows, weight.size(0));
    term.count = weights.index_select(0, rows).sum(at::kDouble).item<double>();
  }
  const bool by_kernel =
      weight.device().is_cpu() && weight.scalar_type() == at::kFloat && weights.scalar_type() == at::kFloat;
  term.sum = chunked_sum(
      hidden, weight, rows,
      [&](const at::Tensor& chunk, at::Tensor& logits, bool want_gradient) {
        const at::Tensor chunk_targets = targets.index_select(0, chunk), chunk_weights = weights.index_select(0, chunk);
        return by_kernel ? loss_by_kernel(chunk_targets, chunk_weights, logits, want_gradient)
                         : loss_by_tensors(chunk_targets, chunk_weights, logits, want_gradient);
      },
      options);
  return term;
}

}  // namespace limbeck::objectives
