// Annealing-KD (Jafari, Rezagholizadeh, Sharma, Ghodsi; EACL 2021, arXiv:2104.07163): the student first regresses the
// teacher's logits, which grow from a small share of themselves to what they are, and then learns the labels alone.
//   stage 1:  (z_S - Φ(T) z_T)²,  Φ(T) = 1 - (T - 1) / T_max,  T from T_max to 1, each for an equal part of the stage
//   stage 2:  CE(y, p_S)
// The paper trains twice, the second time from the best student of the first by dev rows, with an optimiser and a
// schedule of its own. Here both stages are one training of one optimiser and one schedule, so that the arm has as many
// steps as the others; no stage is chosen by dev rows. The square is the mean over classes, as in the official code.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/fields.h"
#include "recipes/task_training.h"
#include "train/schedule.h"

namespace limbeck::recipes {

struct AnnealingOptions {
  int64_t temperatures = 10;  // T_max
  double share = 0.7;         // of the steps, that are stage 1
  void describe(Fields& f);
};

// T of a step counted from 0; none in stage 2. Throws UserError where stage 1 has fewer steps than temperatures.
std::optional<int64_t> annealing_temperature(int64_t step, const train::Length& length,
                                             const AnnealingOptions& options);
double annealing_factor(int64_t temperature, const AnnealingOptions& options);  // Φ(T)

// With dropout. `taught`: the teacher's logits of the training rows (taught_logits); they and the task outlive the
// result.
StepOf annealed(const OpenTask& task, const std::vector<at::Tensor>& taught, const AnnealingOptions& options,
                const train::Length& length);

}  // namespace limbeck::recipes
