// What a user can say about training. The defaults are those of EKT (arXiv:2211.16740) where it has one.
#pragma once

#include <cstdint>

#include "base/fields.h"
#include "nn/recompute.h"

namespace limbeck::train {

enum class ScheduleKind { kLinear, kCosine, kConstant };
enum class NotFinite { kStop, kSkip };

struct Options {
  double epochs = 3;
  int64_t max_steps = 0;              // 0: by epochs
  int64_t batch_size = 32;            // examples an optimiser step
  int64_t micro_batch_tokens = 4096;  // tokens a forward pass; gradients are accumulated exactly
  double learning_rate = 1e-4, weight_decay = 0.1, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, clip_norm = 1;
  ScheduleKind schedule = ScheduleKind::kLinear;
  int64_t warmup_steps = 100;
  double final_learning_rate = 0;  // share of the peak that the schedule ends at
  int64_t evaluate_every = 0, checkpoint_every = 0, keep_checkpoints = 1;  // steps; 0: per epoch / only by time
  double checkpoint_minutes = 10;                                          // 0: not by time
  bool keep_best = true;                           // the weights with the best evaluation are what remains
  nn::Recompute recompute = nn::Recompute::kNone;  // in the backward pass, instead of keeping it
  NotFinite not_finite = NotFinite::kStop;         // when a loss or gradient is NaN or infinite
  void describe(Fields& f);
};

}  // namespace limbeck::train
