// Stochastic weight averaging for fine-tuning (Lu, Kobyzev, Rezagholizadeh, Rashid, Ghodsi, Langlais;
// arXiv:2212.05956). From step t0 on the learning rate stays high, and the mean of the weights after every c-th step is
// the model:
//   θ_swa <- (n θ_swa + θ) / (n + 1)
// without teacher and at no cost. Beside it: ordinary fine-tuning, other means of the same weights (late, once an
// epoch, every step, exponential), a low rate in which weights hardly move, cycles, logit distillation, and
// distillation with averaging; of the ways to distil that the paper compares with, Annealing-KD, route-constrained
// optimisation and MATE-KD (recipes/annealing_distil.h, recipes/route_distil.h, recipes/adversarial_distil.h). Means of
// one trajectory are taken in one training.
//
// Not seen in the paper and chosen here, as options: t0 = 0.5 N, c = 10, η_swa = 0.5 η_peak; the rate is held at its
// peak until t0; Adam's moments go on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "recipes/adversarial_distil.h"
#include "recipes/annealing_distil.h"
#include "recipes/arm_study.h"
#include "recipes/encoder_plan.h"
#include "recipes/route_distil.h"

namespace limbeck::recipes {

struct SwaOptions : TaughtOptions {
  SwaOptions() { arms = {"linear", "constant", "swa"}; }
  std::string model;
  double start = 0.5, rate = 0.5, late_start = 0.9, low_rate = 0.05, ema_decay = 0.999;
  int64_t every = 10, probe_rows = 0;
  AnnealingOptions annealing;
  RouteOptions route;
  MateOptions mate;
  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const { return StudyOptions::inputs({model, teacher, mate.generator}); }
  void plan_trainings(EncoderPlan& plan) const;
};

// Leaves in the run's folder: a folder for each trajectory and seed under arms/ with the means in it, model/ (the
// averaged model of the first seed), flatness.json and flatness.md where probe_rows is above 0, table.json, table.md
// and report.html.
void run_swa(const SwaOptions& options, const Run& run);

}  // namespace limbeck::recipes
