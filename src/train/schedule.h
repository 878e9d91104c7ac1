// The learning rate of a step.
#pragma once

#include <cstdint>

#include "train/options.h"

namespace limbeck::train {

// Steps count from 0. The rate rises linearly over the warm-up, reaching the peak in its last step, then falls towards
// final_learning_rate · peak, which a step after the last one would have: no step is wasted on a rate of 0.
double learning_rate_at(int64_t step, int64_t total_steps, const Options& options);

}  // namespace limbeck::train
