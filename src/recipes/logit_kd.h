// Vanilla knowledge distillation (Hinton, Vinyals, Dean; arXiv:1503.02531) of an encoder on a task:
//   L = (1 - a) CE(y, p_S) + a T² KL(softmax(z_T / T) ‖ softmax(z_S / T))
// the baseline that the methods for encoders are compared with. A teacher that has no head for the task yet is
// fine-tuned first. Differs from the paper: the student starts from blocks of a pretrained encoder (`layers`), not at
// random; a and T are usual values for encoders, for the paper has none.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "models/layer_choice.h"
#include "recipes/task_distil.h"
#include "recipes/task_study.h"

namespace limbeck::recipes {

struct LogitKdOptions : StudyOptions {
  std::string teacher, student;
  std::vector<std::string> arms = {"teacher", "fine_tune", "kd"};
  models::LayerChoiceOptions layers{.rule = models::DropRule::kSpaced};
  TaskDistilOptions kd;
  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const { return StudyOptions::inputs({teacher, student}); }
};

// Leaves in the run's folder: teacher/, run-N/ with the predictions of each arm, table.json, table.md, and model/ (the
// distilled student of the first run).
void run_logit_kd(const LogitKdOptions& options, const Run& run);

}  // namespace limbeck::recipes
