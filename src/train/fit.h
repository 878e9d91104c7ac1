// The only training loop.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/run.h"
#include "data/batch.h"
#include "formats/safetensors.h"
#include "nn/parameters.h"
#include "objectives/loss.h"
#include "train/options.h"

namespace limbeck::train {

// What the loop trains: parameters by name, and what to do after an optimiser step (forget low-precision copies).
struct Trainable {
  std::vector<nn::NamedParameter> parameters;
  std::function<void()> weights_changed;
  // What forward passes measure and no optimiser changes: the running means and variances of batch norms. Weights that
  // are a mean have others, which measure_statistics finds by a pass over training data (Izmailov et al.,
  // arXiv:1803.05407, sec. 3.2). Empty for models without.
  std::vector<nn::NamedParameter> statistics;
  std::function<void()> measure_statistics;
};

// The loss of one forward pass. When a batch is cut into several and its terms count different things (tokens and
// documents, say), their counts are found by forward passes without gradients first: a step gives the same loss again.
using Step = std::function<objectives::Loss(const data::Batch& batch)>;

// What truly lives in time: empty virtuals.
class Hooks {
 public:
  virtual ~Hooks() = default;
  virtual void before_step(int64_t step) {}
  virtual void after_step(int64_t step) {}
  // A number to maximise (dev pass@1) or none; called every evaluate_every steps and after the last. Must not draw from
  // what training draws from: after a kill it may be asked again for the same step.
  // With options.averaging the weights are the mean meanwhile.
  virtual std::optional<double> evaluate(int64_t step) { return std::nullopt; }
  // Tensors that checkpoints keep, the finished run's too; a run that goes on finds them as they were.
  virtual formats::NamedTensors state() { return {}; }
};

struct Result {
  int64_t steps = 0;
  double last_loss = 0, best_metric = 0;
  int64_t best_step = 0;  // 0: there was no evaluation
  int64_t skipped_steps = 0;
};

// Trains in place. Saves run.path("checkpoint-N") and goes on from the newest one; at the end the parameters hold the
// best, last or averaged weights. Interrupted at any moment, the same call ends in the same bytes: data order is a
// function of run.seed(), and a step that draws random numbers must derive them from the batch's indices or from
// Hooks::before_step. Ctrl-C saves and throws Interrupted.
Result fit(const Trainable& model, const std::vector<data::Example>& examples, const Step& step, const Options& options,
           const Run& run, Hooks& hooks);

}  // namespace limbeck::train
