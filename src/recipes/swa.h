// Stochastic weight averaging for fine-tuning (Lu, Kobyzev, Rezagholizadeh, Rashid, Ghodsi, Langlais;
// arXiv:2212.05956). From step t0 on the learning rate stays high, and the mean of the weights after every c-th step is
// the model:
//   θ_swa <- (n θ_swa + θ) / (n + 1)
// without teacher and at no cost. Beside it: ordinary fine-tuning, other means of the same weights (late, once an
// epoch, every step, exponential), a low rate in which weights hardly move, cycles, logit distillation, and
// distillation with averaging. Means of one trajectory are taken in one training.
//
// Not seen in the paper and chosen here, as options: t0 = 0.5 N, c = 10, η_swa = 0.5 η_peak; the rate is held at its
// peak until t0; Adam's moments go on.
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

struct SwaOptions : StudyOptions {
  std::string model, teacher;
  std::vector<std::string> arms = {"linear", "constant", "swa"};
  double start = 0.5, rate = 0.5, late_start = 0.9, low_rate = 0.05, ema_decay = 0.999;
  int64_t every = 10, probe_rows = 0;
  models::LayerChoiceOptions layers;
  TaskDistilOptions kd;
  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const { return StudyOptions::inputs({model, teacher}); }
};

// Leaves in the run's folder: run-N/TRAJECTORY/ with the predictions of each arm, table.json, table.md (with flatness
// probes where probe_rows is above 0), and model/ (the averaged model of the first run).
void run_swa(const SwaOptions& options, const Run& run);

}  // namespace limbeck::recipes
