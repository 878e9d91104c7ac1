#include "objectives/partial_distillation.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join
#include <torch/csrc/autograd/grad_mode.h>

#include <limits>

#include "base/errors.h"

namespace limbeck::objectives {
namespace {

struct PartialSums {
  double divergence = 0, cross_entropy = 0;
};

// One chunk's rows of everything: ids, log_probs [C,K], rest, targets, weights [C].
struct PartialRows {
  at::Tensor ids, log_probs, rest, targets, weights;
};

PartialRows rows_of(const at::Tensor& rows, const at::Tensor& targets, const at::Tensor& weights,
                    const PartialTeacher& teacher, at::ScalarType type) {
  return {.ids = teacher.ids.index_select(0, rows),
          .log_probs = teacher.log_probs.index_select(0, rows).to(type),
          .rest = teacher.rest.index_select(0, rows).to(type),
          .targets = targets.index_select(0, rows),
          .weights = weights.index_select(0, rows).to(type)};
}

// logits [C,V]; what is left in them with want_gradient is the gradient.
PartialSums sums_of_chunk(const PartialRows& rows, at::Tensor& logits, const PartialDistillationOptions& o,
                          bool want_gradient) {
  const bool low = logits.scalar_type() == at::kBFloat16;
  at::Tensor wide = low ? logits.to(at::kFloat) : logits;  // changed in place from here on
  // (row, id) of each token that the teacher names, flat: [T].
  const at::Tensor named = at::nonzero(rows.ids >= 0), row = named.select(1, 0), column = named.select(1, 1);
  const at::Tensor id = rows.ids.index({row, column});
  const at::Tensor log_p = rows.log_probs.index({row, column}), p = log_p.exp();
  const at::Tensor log_sum = at::logsumexp(wide, {1});  // [C]
  const at::Tensor target_logit = wide.gather(1, rows.targets.unsqueeze(1)).squeeze(1);
  const at::Tensor named_logit = wide.index({row, id}), log_q = named_logit - log_sum.index_select(0, row);
  // The student's mass of the rest is summed over the rest itself: 1 less the named mass would round to 0.
  wide.index_put_({row, id}, at::full({}, -std::numeric_limits<double>::infinity(), wide.options()));
  const at::Tensor log_q_rest = at::logsumexp(wide, {1}) - log_sum;  // [C]
  wide.index_put_({row, id}, named_logit);

  const at::Tensor has_rest = rows.rest > 0;
  const at::Tensor of_rest =
      at::where(has_rest, rows.rest * (rows.rest.clamp_min(1e-30).log() - log_q_rest), at::zeros_like(rows.rest));
  const at::Tensor divergence = at::zeros_like(rows.rest).index_add_(0, row, p * (log_p - log_q)) + of_rest;  // [C]
  const at::Tensor cross_entropy = log_sum - target_logit;

  if (want_gradient) {
    // With m the teacher's whole mass: dD/dz = m·q - p where named, (m - rest/q_rest)·q elsewhere.
    const at::Tensor mass = at::zeros_like(rows.rest).index_add_(0, row, p) + rows.rest;
    const at::Tensor ratio = at::where(has_rest, rows.rest * (-log_q_rest).exp(), at::zeros_like(rows.rest));
    const at::Tensor elsewhere = o.divergence_weight * (mass - ratio) + o.cross_entropy_weight;
    const at::Tensor where_named =
        ((o.divergence_weight * mass + o.cross_entropy_weight).index_select(0, row) * log_q.exp() -
         o.divergence_weight * p) *
        rows.weights.index_select(0, row);
    wide.sub_(log_sum.unsqueeze(1)).exp_().mul_((elsewhere * rows.weights).unsqueeze(1));
    wide.index_put_({row, id}, where_named);
    wide.scatter_add_(1, rows.targets.unsqueeze(1), (-o.cross_entropy_weight * rows.weights).unsqueeze(1));
    if (low) logits.copy_(wide);
  }
  return {(divergence * rows.weights).sum(at::kDouble).item<double>(),
          (cross_entropy * rows.weights).sum(at::kDouble).item<double>()};
}

void check_partial(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                   const at::Tensor& weights, const PartialTeacher& teacher) {
  const int64_t n = hidden.size(0);
  if (targets.sizes() != hidden.sizes().slice(0, 1) || weights.sizes() != targets.sizes())
    fail("partial_distillation", "expected a target and a weight for each of {} rows but received {} and {}", n,
         targets.numel(), weights.numel());
  if (teacher.ids.dim() != 2 || teacher.ids.size(0) != n || teacher.log_probs.sizes() != teacher.ids.sizes() ||
      teacher.rest.sizes() != targets.sizes())
    fail("partial_distillation", "expected ids and log_probs [{},K] and rest [{}] but received {}, {} and {}", n, n,
         fmt::join(teacher.ids.sizes(), "x"), fmt::join(teacher.log_probs.sizes(), "x"),
         fmt::join(teacher.rest.sizes(), "x"));
  for (const at::Tensor& ids : {targets, teacher.ids})
    if (ids.numel() > 0 && ids.max().item<int64_t>() >= weight.size(0))
      fail("partial_distillation", "expected tokens below {} (the rows of the output weight) but received {}",
           weight.size(0), ids.max().item<int64_t>());
}

}  // namespace

Loss partial_distillation(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                          const at::Tensor& weights, const PartialTeacher& teacher,
                          const PartialDistillationOptions& options, const ChunkOptions& chunks) {
  check_partial(hidden, weight, targets, weights, teacher);
  const at::Tensor rows = at::nonzero((targets >= 0) & (weights != 0)).squeeze(1);
  const double count = rows.size(0) == 0 ? 0 : weights.index_select(0, rows).sum(at::kDouble).item<double>();
  PartialSums total;
  const at::Tensor sum = chunked_sum(
      hidden, weight, rows,
      [&](const at::Tensor& chunk, at::Tensor& logits, bool want_gradient) {
        const at::NoGradGuard no_grad;
        const auto type = logits.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
        const PartialSums sums =
            sums_of_chunk(rows_of(chunk, targets, weights, teacher, type), logits, options, want_gradient);
        total.divergence += sums.divergence;
        total.cross_entropy += sums.cross_entropy;
        return options.divergence_weight * sums.divergence + options.cross_entropy_weight * sums.cross_entropy;
      },
      chunks);
  const auto logged = [&](const char* name, double value) {
    return Term{.name = name,
                .sum = at::scalar_tensor(value, weight.options().requires_grad(false)),
                .count = count,
                .weight = 0};
  };
  return {{Term{.name = "loss", .sum = sum, .count = count}, logged("divergence", total.divergence),
           logged("cross_entropy", total.cross_entropy)}};
}

}  // namespace limbeck::objectives
