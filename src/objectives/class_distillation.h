// Distillation of class logits (Hinton et al., arXiv:1503.02531) where all of a row's logits are there: classes of a
// text, tags of a token, places of a span. Over a vocabulary, objectives/distillation.h works in chunks instead.
// Sums are fp32 (fp64 for fp64 logits); nothing flows into the teacher.
#pragma once

#include <ATen/core/Tensor.h>

#include "kernels/distillation.h"
#include "objectives/loss.h"

namespace limbeck::objectives {

using Divergence = kernels::Divergence;

// What a row's loss is over its C classes.
enum class PerRow {
  kSum,   // of the classes: the cross-entropy and the divergence as defined
  kMean,  // a C-th of that: TinyBERT's official code takes the mean over B·C (and no T²)
};

struct ClassDistillationOptions {
  double temperature = 1;           // T: logits of both are divided by it
  bool temperature_squared = true;  // T² keeps gradients comparable across temperatures (Hinton, sec. 2)
  PerRow per_row = PerRow::kSum;
  double beta = 0.5;  // the teacher's share in the Jensen-Shannon mixture
};

// student [B,C], teacher [B,C] -> Σ_b -Σ_c softmax(teacher/T)_c · log softmax(student/T)_c (times T²), count B.
Term soft_cross_entropy(const at::Tensor& student, const at::Tensor& teacher,
                        const ClassDistillationOptions& options = {});

// student [B,C], teacher [B,C] -> Σ_b D(teacher, student) (times T²), count B. D: KL(teacher ‖ student), KL(student ‖
// teacher), or β KL(teacher ‖ m) + (1-β) KL(student ‖ m) with m = β teacher + (1-β) student.
Term class_divergence(const at::Tensor& student, const at::Tensor& teacher, Divergence divergence,
                      const ClassDistillationOptions& options = {});

// student [B,C], teacher [B,C] -> Σ_b Σ_c or mean_c (student - teacher)², count B.
Term logit_mse(const at::Tensor& student, const at::Tensor& teacher, PerRow per_row = PerRow::kMean);

}  // namespace limbeck::objectives
