// Dropping layers of a pretrained encoder (Sajjad, Dalvi, Durrani, Nakov: "Poor Man's BERT", arXiv:2004.03844): blocks
// are deleted, what is left is fine-tuned as usual, without teacher or further pretraining. The rules that choose the
// blocks (models/layer_choice.h) are arms beside each other at every number of dropped blocks, with the paper's and
// other controls: the whole model, dropping after fine-tuning and tuning again, the same depth from fresh weights, and
// the top rule with distillation from the whole model. Per-task depth: the most blocks that the top rule may drop
// before the dev rows fall by more than 1, 2 or 3 points.
//
// Differs from the official code: contributions are measured on the training rows where a task has no dev rows; random
// draws differ from run to run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "recipes/arm_study.h"
#include "recipes/encoder_plan.h"

namespace limbeck::recipes {

struct LayerDropOptions : DistilledOptions {
  LayerDropOptions() {
    arms = {"full", "top", "bottom", "symmetric", "alternate-odd", "alternate-even"};
    warmup = 0, train.weight_decay = 0, train.learning_rate = 2e-5;  // the official code's; the rate is the paper's
  }
  std::string model;
  std::vector<int64_t> drop = {2};
  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const { return StudyOptions::inputs({model}); }
  void plan_trainings(EncoderPlan& plan) const;
};

// Leaves in the run's folder: a folder for each arm and seed under arms/, layers.json (contributions of the blocks,
// which blocks each arm keeps, the depth that the task allows), table.json, table.md and report.html.
void run_layer_drop(const LayerDropOptions& options, const Run& run);

}  // namespace limbeck::recipes
