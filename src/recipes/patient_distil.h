// Patient knowledge distillation (Sun, Cheng, Gan, Liu; arXiv:1908.09355): beside labels and logits the student's
// states of the first token of a text, after each of its blocks but the last, learn those of the teacher (eq. 9):
//   L = (1 - a) CE(y, p_S) + a T² KL(softmax(z_T / T) ‖ softmax(z_S / T)) + b L_PT
//   L_PT = mean over blocks m and width of (h^S_m / ‖h^S_m‖ - h^T_g(m) / ‖h^T_g(m)‖)²
// PKD-Skip: g takes every r-th block of the teacher; PKD-Last: its last ones. The paper's eq. 7 is a sum; the mean is
// the official code's, which the paper's weights b belong to. The teacher reads without dropout.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "base/fields.h"
#include "models/encoder.h"
#include "models/layer_map.h"
#include "recipes/task_distil.h"

namespace limbeck::recipes {

enum class PatientBlocks { kSkip, kLast };

struct PatientOptions : TaskDistilOptions {
  PatientOptions() { temperature = 10; }
  double patience = 100;  // b
  PatientBlocks blocks = PatientBlocks::kSkip;
  void describe(Fields& f);
};

// Which block of the teacher's each of the student's learns from, the student's last left out. Throws UserError for a
// student of a single block or of another width than the teacher.
std::vector<models::LayerPair> patient_pairs(const models::EncoderConfig& student, const models::EncoderConfig& teacher,
                                             PatientBlocks blocks);

// `taught`: the teacher's logits of the training rows. Terms: those of distilling_step, and "patient". All outlive the
// result.
StepOf patiently(const OpenTask& task, models::Encoder& teacher, const std::vector<at::Tensor>& taught,
                 const PatientOptions& options);

}  // namespace limbeck::recipes
