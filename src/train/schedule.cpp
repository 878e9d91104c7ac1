#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace limbeck::train {
namespace {

// Share of the peak of a schedule that changes at plateau_start.
double share_around_plateau(int64_t step, int64_t total_steps, const Options& options) {
  const int64_t begin = Length{.steps = total_steps}.step_at(options.plateau_start);
  if (step >= begin) {
    if (options.schedule != ScheduleKind::kCyclical) return options.plateau_rate;
    const double t =
        static_cast<double>((step - begin) % options.cycle_steps + 1) / static_cast<double>(options.cycle_steps);
    return (1 - t) * options.plateau_rate + t * options.cycle_rate;
  }
  if (options.schedule != ScheduleKind::kDecayToPlateau) return 1;
  const double progress =
      static_cast<double>(step - options.warmup_steps) / static_cast<double>(begin - options.warmup_steps);
  return 1 - (1 - options.plateau_rate) * progress;
}

}  // namespace

int64_t Length::step_at(double share) const {
  return std::llround(std::floor(share * static_cast<double>(steps) + 1e-9));
}

Length length_of(int64_t num_examples, const Options& options) {
  const int64_t per_epoch = (num_examples + options.batch_size - 1) / options.batch_size;
  const auto by_epochs = std::llround(std::ceil(options.epochs * static_cast<double>(per_epoch) - 1e-9));
  return {.steps = options.max_steps > 0 ? options.max_steps : std::max<int64_t>(1, by_epochs),
          .steps_per_epoch = per_epoch};
}

double learning_rate_at(int64_t step, int64_t total_steps, const Options& options) {
  const int64_t warmup = options.warmup_steps;
  if (step < warmup) return options.learning_rate * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double progress = static_cast<double>(step - warmup) / static_cast<double>(total_steps - warmup);
  double share = 1;
  switch (options.schedule) {
    case ScheduleKind::kConstant:
      break;
    case ScheduleKind::kLinear:
      share = 1 - progress;
      break;
    case ScheduleKind::kCosine:
      share = 0.5 * (1 + std::cos(std::numbers::pi * progress));
      break;
    default:
      return options.learning_rate * share_around_plateau(step, total_steps, options);
  }
  return options.learning_rate * (options.final_learning_rate + (1 - options.final_learning_rate) * share);
}

}  // namespace limbeck::train
