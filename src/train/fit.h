// The only training loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "data/batch.h"
#include "nn/parameters.h"
#include "objectives/loss.h"

namespace limbeck::train {

enum class ScheduleKind { kLinear, kCosine, kConstant };

struct Options {
  double epochs = 3;
  int64_t max_steps = 0;                 // 0: by epochs
  int64_t batch_size = 32;               // examples an optimiser step
  int64_t micro_batch_tokens = 4096;     // tokens a forward pass; gradients are accumulated exactly
  double learning_rate = 1e-4, weight_decay = 0.1, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, clip_norm = 1;
  ScheduleKind schedule = ScheduleKind::kLinear;
  int64_t warmup_steps = 100;
  double final_learning_rate = 0;        // share of the peak that the schedule ends at
  int64_t evaluate_every = 0, checkpoint_every = 0, keep_checkpoints = 1;   // steps; 0: per epoch / only at the end
  bool keep_best = true;                 // the checkpoint with the best evaluation is what remains
  void describe(Fields& f);
};

// What the loop trains: parameters by name, and what to do after an optimiser step (forget low-precision copies).
struct Trainable {
  std::vector<nn::NamedParameter> parameters;
  std::function<void()> weights_changed;
};

using Step = std::function<objectives::Loss(const data::Batch& batch)>;

// What truly lives in time: empty virtuals.
class Hooks {
 public:
  virtual ~Hooks() = default;
  virtual void before_step(int64_t step) {}
  virtual void after_step(int64_t step) {}
  // A number to maximise (dev pass@1) or none; called every evaluate_every steps.
  virtual std::optional<double> evaluate(int64_t step) { return std::nullopt; }
};

struct Result {
  int64_t steps = 0;
  double last_loss = 0, best_metric = 0;
  int64_t best_step = 0;
};

// Trains in place. Saves run.path("checkpoint-N") and goes on from the newest one; at the end the parameters hold the best (or
// last) weights. Interrupted at any moment, the same call ends in the same bytes.
Result fit(const Trainable& model, const std::vector<data::Example>& examples, const Step& step, const Options& options,
           const Run& run, Hooks& hooks);

}  // namespace limbeck::train
