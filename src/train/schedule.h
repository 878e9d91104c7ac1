// How long training is, and the learning rate of a step.
#pragma once

#include <cstdint>

#include "train/options.h"

namespace limbeck::train {

struct Length {
  int64_t steps = 0, steps_per_epoch = 0;
  // The first step, counted from 0, of what begins after a share of them.
  int64_t step_at(double share) const;
};
Length length_of(int64_t num_examples, const Options& options);

// Steps count from 0. The rate rises linearly over the warm-up, reaching the peak in its last step, then falls towards
// final_learning_rate · peak, which a step after the last one would have: no step is wasted on a rate of 0.
//
// For weight averaging (Lu et al., arXiv:2212.05956): from the step at plateau_start on the rate stays at plateau_rate
// · peak, after the peak itself (plateau) or a line from it (decay-to-plateau). Cyclical, as Izmailov et al.
// (arXiv:1803.05407, sec. 3.1) take their weights: step i of a cycle of c, counted from 1, has the rate (1 - t) ·
// plateau_rate + t · cycle_rate of the peak, t = i / c; weights are taken at its end, the lowest rate.
double learning_rate_at(int64_t step, int64_t total_steps, const Options& options);

}  // namespace limbeck::train
