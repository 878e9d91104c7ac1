#include "recipes/swa_trajectories.h"

#include <fmt/format.h>

#include <tuple>
#include <utility>

#include "recipes/task_arm.h"

namespace limbeck::recipes {

std::vector<Trajectory> trajectories(const SwaOptions& o, const train::Options& plain) {
  using train::AveragingKind, train::ScheduleKind;
  const auto with = [&](ScheduleKind schedule, double rate) {
    train::Options train = plain;
    train.schedule = schedule;
    train.plateau_start = o.start, train.plateau_rate = rate;
    train.cycle_steps = o.every, train.cycle_rate = o.low_rate;
    return train;
  };
  const auto swa = [&](double start, int64_t every) {
    return train::AveragingOptions{.kind = AveragingKind::kSwa, .start = start, .every = every};
  };
  return {{"linear",
           "fine-tuning, linear rate",
           with(ScheduleKind::kLinear, 0),
           Lesson::kLabels,
           {{"last3", "mean of the last 3 epochs of it", {.kind = AveragingKind::kLastK, .start = 0, .every = 0}}}},
          {"constant",
           "fine-tuning, high constant rate",
           with(ScheduleKind::kPlateau, o.rate),
           Lesson::kLabels,
           {{"swa", "SWA", swa(o.start, o.every)},
            {"swa_late", fmt::format("SWA from {:g} N", o.late_start), swa(o.late_start, o.every)},
            {"swa_every_step", "SWA, every step", swa(o.start, 1)},
            {"swa_epoch", "SWA, once an epoch", swa(o.start, 0)},
            {"ema",
             fmt::format("EMA {:g}", o.ema_decay),
             {.kind = AveragingKind::kEma, .start = o.start, .every = 1, .decay = o.ema_decay}}}},
          {"low",
           "fine-tuning, low constant rate",
           with(ScheduleKind::kPlateau, o.low_rate),
           Lesson::kLabels,
           {{"swa_low", "SWA at a low rate", swa(o.start, o.every)}}},
          {"cyclical",
           "fine-tuning, cycles",
           with(ScheduleKind::kCyclical, o.rate),
           Lesson::kLabels,
           {{"swa_cyclical", "SWA, cycles", swa(o.start, o.every)}}},
          {"kd", "logit distillation", with(ScheduleKind::kLinear, 0), Lesson::kLogits, {}},
          {"annealing_kd", "Annealing-KD", with(ScheduleKind::kLinear, 0), Lesson::kAnnealed, {}},
          {"rco",
           fmt::format("RCO, {} checkpoints of the teacher", o.route.anchors),
           with(ScheduleKind::kLinear, 0),
           Lesson::kRoute,
           {}},
          {"mate_kd", "MATE-KD", with(ScheduleKind::kLinear, 0), Lesson::kAdversarial, {}},
          {"kd_constant",
           "logit distillation, high constant rate",
           with(ScheduleKind::kPlateau, o.rate),
           Lesson::kLogits,
           {{"kd_swa", "logit distillation + SWA", swa(o.start, o.every)}}}};
}

std::vector<Trajectory> wanted_trajectories(const SwaOptions& options, const train::Options& train) {
  std::vector<Trajectory> wanted = trajectories(options, train);
  for (Trajectory& trajectory : wanted)
    std::erase_if(trajectory.means, [&](const MeanArm& mean) { return !options.has(mean.name); });
  std::erase_if(wanted, [&](const Trajectory& t) { return t.means.empty() && !options.has(t.name); });
  return wanted;
}

std::vector<std::string> swa_arm_names() {
  std::vector<std::string> names;
  for (const Trajectory& trajectory : trajectories({}, {})) {
    names.push_back(trajectory.name);
    for (const MeanArm& mean : trajectory.means) names.push_back(mean.name);
  }
  return names;
}

Followed::Followed(models::Encoder& encoder, TaskHooks& own, const Run& run, const std::vector<MeanArm>& means,
                   const train::Length& length, std::shared_ptr<const text::Tokenizer> tokenizer)
    : encoder_(encoder), own_(own), run_(run), length_(length), tokenizer_(std::move(tokenizer)) {
  for (const MeanArm& mean : means)
    means_.emplace(std::piecewise_construct, std::forward_as_tuple(mean.name),
                   std::forward_as_tuple(trainable(encoder).parameters, mean.averaging, length));
}

void Followed::after_step(int64_t step) {
  for (auto& [name, mean] : means_) {
    mean.after_step(step);
    if (step != length_.steps) continue;
    const train::Averaging::Swapped swapped(mean, [this] { encoder_.weights_changed(); });
    models::save_encoder(run_.child("means").child(name).path("model"), encoder_, *tokenizer_);
  }
}

formats::NamedTensors Followed::state() {
  formats::NamedTensors all;
  for (auto& [name, mean] : means_)
    for (auto& tensor : mean.state(name + ".")) all.push_back(tensor);
  return all;
}

}  // namespace limbeck::recipes
