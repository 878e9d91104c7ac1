// Vanilla knowledge distillation (Hinton, Vinyals, Dean; arXiv:1503.02531) of an encoder on a task:
//   L = (1 - a) CE(y, p_S) + a T² KL(softmax(z_T / T) ‖ softmax(z_S / T))
// the baseline that the methods for encoders are compared with. A teacher that has no head for the task yet is
// fine-tuned first. Beside it patient distillation (recipes/patient_distil.h), for students of the teacher's width.
// Differs from the paper: the student starts from blocks of a pretrained encoder (`layers`), not at random; a and T
// are usual values for encoders, for the paper has none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "recipes/arm_study.h"
#include "recipes/encoder_plan.h"
#include "recipes/patient_distil.h"

namespace limbeck::recipes {

struct LogitKdOptions : TaughtOptions {
  LogitKdOptions() {
    arms = {"teacher", "fine-tune", "kd"};
    layers.rule = models::DropRule::kSpaced;
  }
  std::string student;
  PatientOptions pkd;
  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const { return StudyOptions::inputs({teacher, student}); }
  void plan_trainings(EncoderPlan& plan) const;
};

// Leaves in the run's folder: a folder for each arm and seed under arms/, model/ (the distilled student of the first
// seed), table.json, table.md and report.html.
void run_logit_kd(const LogitKdOptions& options, const Run& run);

}  // namespace limbeck::recipes
