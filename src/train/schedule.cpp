#include "train/schedule.h"

#include <cmath>
#include <numbers>

namespace limbeck::train {

double learning_rate_at(int64_t step, int64_t total_steps, const Options& options) {
  const int64_t warmup = options.warmup_steps;
  if (step < warmup) return options.learning_rate * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double progress = static_cast<double>(step - warmup) / static_cast<double>(total_steps - warmup);
  double share = 1;
  if (options.schedule == ScheduleKind::kLinear) share = 1 - progress;
  if (options.schedule == ScheduleKind::kCosine) share = 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return options.learning_rate * (options.final_learning_rate + (1 - options.final_learning_rate) * share);
}

}  // namespace limbeck::train
