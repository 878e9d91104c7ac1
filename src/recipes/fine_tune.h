// Fine-tuning of an encoder on a labelled task (Devlin et al. 2019, arXiv:1810.04805, sec. 4): a head on a pretrained
// body, all weights trained by the task's loss with AdamW, a linear warm-up and decay, and dropout. Beside it the two
// figures that say how much of it the training does: a product on the states of the body as it is (a linear probe), and
// what no text tells (the most frequent label).
//
// Differs from the paper: the best checkpoint by the dev rows' first metric is kept, where there are dev rows; biases
// and norms do not decay; batches are packed, so no token is padding and length buckets would have nothing to save.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "recipes/arm_study.h"
#include "recipes/encoder_plan.h"

namespace limbeck::recipes {

enum class ProbeReads { kMean, kFirst, kHead };

struct FineTuneOptions : StudyOptions {
  FineTuneOptions() {
    arms = {"majority", "probe", "fine-tune"};
    seeds = 1, warmup = 0.1, train.keep_best = true;
  }
  std::string model;
  double label_smoothing = 0, probe_learning_rate = 1e-3, probe_epochs = 20;
  ProbeReads probe_reads = ProbeReads::kMean;
  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const { return StudyOptions::inputs({model}); }
  void plan_trainings(EncoderPlan& plan) const;
};

// Leaves in the run's folder: a folder for each arm and seed under arms/ (model/, predictions.jsonl), model/ (of the
// first seed), table.json, table.md and report.html. Prints the table.
void run_fine_tune(const FineTuneOptions& options, const Run& run);

}  // namespace limbeck::recipes
