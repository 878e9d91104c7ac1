// What a user can say about training. The defaults are those of EKT (arXiv:2211.16740) where it has one.
#pragma once

#include <cstdint>

#include "base/fields.h"
#include "nn/recompute.h"

namespace limbeck::train {

enum class ScheduleKind { kLinear, kCosine, kConstant, kPlateau, kDecayToPlateau, kCyclical };
enum class NotFinite { kStop, kSkip };
enum class Clip { kAll, kEach };  // the gradient of all parameters together, or of each tensor by itself
enum class AveragingKind { kNone, kSwa, kEma, kLastK, kBest };

// Which weights remain (train/averaging.h). The defaults are those of the small reproduction of SWA for fine-tuning
// (arXiv:2212.05956 names no values).
struct AveragingOptions {
  AveragingKind kind = AveragingKind::kNone;
  double start = 0.5;    // share of the steps after which weights are taken
  int64_t every = 10;    // steps between two; 0: once an epoch
  double decay = 0.999;  // of an exponential mean
  int64_t last = 3;      // how many the mean of the last ones is over
  void describe(Fields& f);
};

struct Options {
  double epochs = 3;
  int64_t max_steps = 0;              // 0: by epochs
  int64_t batch_size = 32;            // examples an optimiser step
  int64_t micro_batch_tokens = 4096;  // tokens a forward pass; gradients are accumulated exactly
  double learning_rate = 1e-4, weight_decay = 0.1, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, clip_norm = 1;
  ScheduleKind schedule = ScheduleKind::kLinear;
  int64_t warmup_steps = 100;
  double final_learning_rate = 0;                  // share of the peak that the schedule ends at
  double plateau_start = 0.5, plateau_rate = 0.5;  // share of the steps; share of the peak from there on
  int64_t cycle_steps = 10;
  double cycle_rate = 0.05;     // share of the peak at the end of a cycle
  bool bias_correction = true;  // of Adam's moments; BERT's optimiser has none
  Clip clip = Clip::kAll;
  int64_t evaluate_every = 0, checkpoint_every = 0, keep_checkpoints = 1;  // steps; 0: per epoch / only by time
  double checkpoint_minutes = 10;                                          // 0: not by time
  bool keep_best = true;                           // the weights with the best evaluation are what remains
  nn::Recompute recompute = nn::Recompute::kNone;  // in the backward pass, instead of keeping it
  NotFinite not_finite = NotFinite::kStop;         // when a loss or gradient is NaN or infinite
  AveragingOptions averaging;
  void describe(Fields& f);
};

}  // namespace limbeck::train
