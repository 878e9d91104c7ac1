// DistilBERT (Sanh, Debut, Chaumond, Wolf; arXiv:1910.01108): a student with half of the teacher's blocks, started from
// them, learns the teacher's masked language modelling on plain text by three losses at once (recipes/triple_loss.h).
// It is then fine-tuned like any encoder. Beside it: each loss left out, the divergence alone, random weights to
// start from, masked language modelling without a teacher, and the teacher's blocks without any of it (layer dropping).
//
// Masks are the official code's: ⌈0.15 · tokens⌉ of a whole batch, chosen in proportion to count ^ -0.7. Blocks that
// stay are evenly spaced, first and last among them (0 2 4 7 9 11 of 12). Differs from the official code: the teacher
// reads without dropout and in the precision of the products; random replacements are never special tokens; the
// embedding of type 0 is added to the positions' instead of being dropped; positions are trained; the weights with the
// lowest held-out loss are kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "models/layer_choice.h"
#include "recipes/encoder_plan.h"
#include "recipes/masked_lm.h"
#include "recipes/task_arm.h"
#include "recipes/triple_loss.h"
#include "tensor/device.h"
#include "train/options.h"

namespace limbeck::recipes {

enum class StudentFamily { kDistilbert, kTeachers };

struct DistilbertOptions {
  std::string teacher;
  std::vector<std::string> arms = {"full", "mlm_random_init"};
  std::vector<int64_t> layers;                        // blocks of the teacher that the student starts from
  models::DropRule rule = models::DropRule::kSpaced;  // which blocks go where `layers` names none that stay
  int64_t num_layers = 0, seed = 1;
  StudentFamily family = StudentFamily::kDistilbert;
  bool copy_transform = false;
  Precision precision = Precision::kBf16;
  TripleLossOptions loss;
  MaskedLmDataOptions data{.text = {.packing = data::Packing::kLines, .min_length = 12},
                           .masking = {.from = data::MaskedFrom::kWholeBatch, .smoothing = 0.7}};
  train::Options train{.epochs = 3,
                       .batch_size = 64,
                       .learning_rate = 5e-4,
                       .weight_decay = 0,
                       .beta2 = 0.98,
                       .epsilon = 1e-6,
                       .clip_norm = 5,
                       .warmup_steps = 100};
  TuningOptions task;  // what every arm is fine-tuned on; without data none is

  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const;
  void plan_trainings(EncoderPlan& plan) const;
  int64_t blocks_of(int64_t teachers) const;  // of the student
};

// Leaves in the run's folder: pretrained/NAME/model of each arm, model/ (the student with all three losses),
// pretraining.json and pretraining.md; where a task is given also arms/ (the fine-tuned models), table.json, table.md
// and report.html.
void run_distilbert(const DistilbertOptions& options, const Run& run);

}  // namespace limbeck::recipes
