#include "objectives/distillation.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/errors.h"

namespace limbeck::objectives {
namespace {

// Of one chunk, or of all: sums over rows, weighted by the rows' weights.
struct DistilledSums {
  double divergence = 0, cross_entropy = 0;
};

// Student rows beside teacher rows; what is left in `student` with want_gradient is the gradient.
struct RowsPair {
  at::Tensor student, teacher, targets, weights;  // [C,V], [C,V'], [C], [C]
};

// Any device and dtype; the reference of the kernels.
DistilledSums sums_by_tensors(RowsPair& rows, const DistillationOptions& o, bool want_gradient) {
  const bool low = rows.student.scalar_type() == at::kBFloat16;
  const at::Tensor wide = low ? rows.student.to(at::kFloat) : rows.student;
  const int64_t shared = rows.teacher.size(1);
  const at::Tensor weight = rows.weights.to(wide.scalar_type()).unsqueeze(1), column = rows.targets.unsqueeze(1);
  const at::Tensor log_q = at::log_softmax(wide.narrow(1, 0, shared) / o.temperature, 1);
  const at::Tensor log_p = at::log_softmax(rows.teacher.to(wide.scalar_type()) / o.temperature, 1);
  const at::Tensor q = log_q.exp(), p = log_p.exp(), hard = at::log_softmax(wide, 1);
  at::Tensor divergence, gradient;  // [C,1], [C,V'] with respect to logits / T
  if (o.divergence == Divergence::kForwardKl) {
    divergence = (p * (log_p - log_q)).sum(1, true);
    gradient = q - p;
  } else if (o.divergence == Divergence::kReverseKl) {
    divergence = (q * (log_q - log_p)).sum(1, true);
    gradient = q * (log_q - log_p - divergence);
  } else {
    const at::Tensor log_m = (o.beta * p + (1 - o.beta) * q).log(), of_q = q * (log_q - log_m);
    divergence = (o.beta * p * (log_p - log_m) + (1 - o.beta) * of_q).sum(1, true);
    gradient = (1 - o.beta) * (of_q - q * of_q.sum(1, true));
  }
  if (want_gradient) {
    at::Tensor whole = hard.exp().scatter_add_(1, column, at::full_like(weight, -1)) * o.cross_entropy_weight;
    whole.narrow(1, 0, shared).add_(gradient, o.divergence_weight / o.temperature);
    rows.student.copy_(whole * weight);
  }
  return {(divergence * weight).sum().item<double>(), -(hard.gather(1, column) * weight).sum().item<double>()};
}

// CPU rows, each by one thread; the sums over rows are in their order, so they do not depend on the number of threads.
DistilledSums sums_by_kernel(RowsPair& rows, const DistillationOptions& o, bool want_gradient) {
  const kernels::Distillation what{.divergence = o.divergence,
                                   .temperature = static_cast<float>(o.temperature),
                                   .beta = static_cast<float>(o.beta),
                                   .divergence_weight = static_cast<float>(o.divergence_weight),
                                   .cross_entropy_weight = static_cast<float>(o.cross_entropy_weight)};
  const int64_t num_rows = rows.student.size(0);
  const auto width = static_cast<std::size_t>(rows.student.size(1)),
             shared = static_cast<std::size_t>(rows.teacher.size(1));
  const int64_t teacher_stride = rows.teacher.stride(0);
  const float *teacher = rows.teacher.const_data_ptr<float>(), *weight = rows.weights.const_data_ptr<float>();
  const int64_t* target = rows.targets.const_data_ptr<int64_t>();
  std::vector<kernels::DistilledRow> losses(static_cast<std::size_t>(num_rows));
  const auto visit = [&](auto* student) {
    at::parallel_for(0, num_rows, std::max<int64_t>(1, 32768 / rows.student.size(1)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const std::span row(student + static_cast<std::size_t>(i) * width, width);
        const std::span<const float> of_teacher(teacher + i * teacher_stride, shared);
        losses[static_cast<std::size_t>(i)] = want_gradient
                                                  ? kernels::distil(row, of_teacher, target[i], weight[i], what)
                                                  : kernels::distillation_losses(row, of_teacher, target[i], what);
      }
    });
  };
  if (rows.student.scalar_type() == at::kBFloat16)
    visit(static_cast<kernels::BFloat16*>(rows.student.mutable_data_ptr()));
  else
    visit(rows.student.mutable_data_ptr<float>());
  DistilledSums sums;
  for (int64_t i = 0; i < num_rows; ++i) {
    sums.divergence += weight[i] * losses[static_cast<std::size_t>(i)].divergence;
    sums.cross_entropy += weight[i] * losses[static_cast<std::size_t>(i)].cross_entropy;
  }
  return sums;
}

void check_distillation(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                        const at::Tensor& weights, const DistillationOptions& options) {
  if (targets.sizes() != hidden.sizes().slice(0, 1) || weights.sizes() != targets.sizes())
    fail("distillation", "expected a target and a weight for each of {} rows but received {} and {}", hidden.size(0),
         targets.numel(), weights.numel());
  if (!(options.temperature > 0))
    fail("distillation", "expected a temperature above 0 but received {}", options.temperature);
  if (options.divergence == Divergence::kJensenShannon && !(options.beta > 0 && options.beta < 1))
    fail("distillation", "expected a beta above 0 and below 1 but received {}", options.beta);
  const int64_t most = targets.numel() == 0 ? -1 : targets.max().item<int64_t>();
  if (most >= weight.size(0))
    fail("distillation", "expected targets below {} (the rows of the output weight) but received {}", weight.size(0),
         most);
}

// Teacher rows at a time: enough for a product at full speed, few enough to stay near the cache.
int64_t teacher_rows(int64_t vocabulary) {
  constexpr int64_t kBytes = 24 << 20;
  return std::max<int64_t>(16, kBytes / (vocabulary * static_cast<int64_t>(sizeof(float))));
}

// One chunk of the student's rows, a part of it at a time beside the teacher's.
DistilledSums chunk_sums(const at::Tensor& chunk, at::Tensor& logits, const RowsPair& whole,
                         const TeacherLogits& teacher, const DistillationOptions& options, bool want_gradient) {
  DistilledSums sums;
  const int64_t num_rows = chunk.size(0), step = teacher_rows(logits.size(1));
  for (int64_t begin = 0; begin < num_rows; begin += step) {
    const int64_t count = std::min(step, num_rows - begin);
    const at::Tensor rows = chunk.narrow(0, begin, count);
    RowsPair part{.student = logits.narrow(0, begin, count),
                  .teacher = teacher(rows),
                  .targets = whole.targets.index_select(0, rows),
                  .weights = whole.weights.index_select(0, rows)};
    if (part.teacher.dim() != 2 || part.teacher.size(0) != count || part.teacher.stride(1) != 1)
      fail("distillation", "expected teacher logits of {} rows but received {}", count, part.teacher.size(0));
    part.teacher = part.teacher.narrow(1, 0, std::min(part.teacher.size(1), logits.size(1)));
    const bool by_kernel = logits.device().is_cpu() && part.teacher.scalar_type() == at::kFloat &&
                           logits.scalar_type() != at::kDouble && whole.weights.scalar_type() == at::kFloat;
    const DistilledSums of_part =
        by_kernel ? sums_by_kernel(part, options, want_gradient) : sums_by_tensors(part, options, want_gradient);
    sums.divergence += of_part.divergence;
    sums.cross_entropy += of_part.cross_entropy;
  }
  return sums;
}

}  // namespace

TeacherLogits teacher_logits(at::Tensor hidden, at::Tensor weight) {
  return [hidden = std::move(hidden), weight = std::move(weight)](const at::Tensor& rows) {
    return at::mm(hidden.index_select(0, rows), weight.t());
  };
}

Loss distillation(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& targets,
                  const at::Tensor& weights, const TeacherLogits& teacher, const DistillationOptions& options,
                  const ChunkOptions& chunks) {
  check_distillation(hidden, weight, targets, weights, options);
  const at::Tensor rows = at::nonzero((targets >= 0) & (weights != 0)).squeeze(1);
  const double count = rows.size(0) == 0 ? 0 : weights.index_select(0, rows).sum(at::kDouble).item<double>();
  const RowsPair whole{.student = {}, .teacher = {}, .targets = targets, .weights = weights};
  DistilledSums total;
  const at::Tensor sum = chunked_sum(
      hidden, weight, rows,
      [&](const at::Tensor& chunk, at::Tensor& logits, bool want_gradient) {
        const at::NoGradGuard no_grad;
        const DistilledSums sums = chunk_sums(chunk, logits, whole, teacher, options, want_gradient);
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
