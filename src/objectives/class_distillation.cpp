#include "objectives/class_distillation.h"

#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join

#include "base/errors.h"

namespace limbeck::objectives {
namespace {

// Logits as the losses add them up.
at::Tensor wide_logits(const at::Tensor& logits) {
  return logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
}

void expect_paired_rows(const char* where, const at::Tensor& student, const at::Tensor& teacher) {
  if (student.dim() != 2 || student.sizes() != teacher.sizes() || student.size(1) == 0)
    fail(where, "expected logits [B,C] of student and teacher alike but received {} and {}",
         fmt::join(student.sizes(), "x"), fmt::join(teacher.sizes(), "x"));
}

void expect_positive(const char* where, double temperature) {
  if (!(temperature > 0)) fail(where, "expected a temperature above 0 but received {}", temperature);
}

// Σ_b Σ_c each, times T² and divided by C where that is asked for.
Term term_of(const char* name, const at::Tensor& each, const ClassDistillationOptions& options) {
  double factor = options.temperature_squared ? options.temperature * options.temperature : 1;
  if (options.per_row == PerRow::kMean) factor /= static_cast<double>(each.size(1));
  const at::Tensor sum = each.sum();
  return {.name = name, .sum = factor == 1 ? sum : sum * factor, .count = static_cast<double>(each.size(0))};
}

struct LogProbs {
  at::Tensor student, teacher;  // [B,C]
};

LogProbs softened(const at::Tensor& student, const at::Tensor& teacher, double temperature) {
  const at::Tensor s = wide_logits(student), t = teacher.detach().to(s.scalar_type());
  return {at::log_softmax(s / temperature, 1), at::log_softmax(t / temperature, 1)};
}

}  // namespace

Term soft_cross_entropy(const at::Tensor& student, const at::Tensor& teacher, const ClassDistillationOptions& options) {
  expect_paired_rows("soft_cross_entropy", student, teacher);
  expect_positive("soft_cross_entropy", options.temperature);
  const LogProbs log = softened(student, teacher, options.temperature);
  return term_of("soft_cross_entropy", log.teacher.exp() * -log.student, options);
}

Term class_divergence(const at::Tensor& student, const at::Tensor& teacher, Divergence divergence,
                      const ClassDistillationOptions& options) {
  expect_paired_rows("class_divergence", student, teacher);
  expect_positive("class_divergence", options.temperature);
  const auto [log_q, log_p] = softened(student, teacher, options.temperature);
  if (divergence == Divergence::kForwardKl) return term_of("divergence", log_p.exp() * (log_p - log_q), options);
  if (divergence == Divergence::kReverseKl) return term_of("divergence", log_q.exp() * (log_q - log_p), options);
  if (!(options.beta > 0 && options.beta < 1))
    fail("class_divergence", "expected a beta above 0 and below 1 but received {}", options.beta);
  const at::Tensor p = options.beta * log_p.exp(), q = (1 - options.beta) * log_q.exp();
  // Where both probabilities underflow their parts are 0, not 0·∞.
  const at::Tensor log_m = (p + q).clamp_min(1e-37).log();
  return term_of("divergence", p * (log_p - log_m) + q * (log_q - log_m), options);
}

Term logit_mse(const at::Tensor& student, const at::Tensor& teacher, PerRow per_row) {
  expect_paired_rows("logit_mse", student, teacher);
  const at::Tensor s = wide_logits(student), t = teacher.detach().to(s.scalar_type());
  return term_of("logit_mse", (s - t).square(), {.temperature_squared = false, .per_row = per_row});
}

}  // namespace limbeck::objectives
