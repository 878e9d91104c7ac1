// TinyBERT (Jiao, Yin, Shang, Jiang, Chen, Li, Wang, Liu; arXiv:1909.10351): a narrow and shallow student learns a
// teacher at four interfaces, twice. General distillation: the layer losses of recipes/layer_losses.h on plain text,
// the teacher not fine-tuned. Task distillation on the task's rows and variants of them (synthesis/augmentation.h):
// first the layer losses against the fine-tuned teacher, then the logits,
//   L_pred = -mean_{rows, classes} softmax(z_T) · log softmax(z_S)      of scores: the squared error to the label
// Beside it: the same student fine-tuned from random weights, after masked language modelling (BERT-Tiny), with the
// logits alone, without each of the losses or phases, without augmentation, and with other layer maps; and students of
// as many blocks but the teacher's width, by DistilBERT (recipes/triple_loss.h) and by patient distillation
// (recipes/patient_distil.h). Every arm takes as many steps: those of a phase that it lacks are added to its next one.
//
// The optimiser is the official code's BertAdam: no bias correction, each tensor's gradient clipped by itself.
//
// Differs from the official code: the teacher reads without dropout; one text of a pair is as it was while the other is
// varied; the last, smaller batch of an epoch is seen; means are over real tokens (padded_length); the last weights of
// the prediction phase remain, not the best on the dev rows (train.keep_best), so that all arms take as many steps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "data/corpus.h"
#include "data/text_pieces.h"
#include "recipes/arm_study.h"
#include "recipes/encoder_plan.h"
#include "recipes/layer_losses.h"
#include "recipes/masked_lm.h"
#include "recipes/patient_distil.h"
#include "synthesis/augmentation.h"
#include "train/options.h"

namespace limbeck::recipes {

// Plain texts for general distillation.
struct GeneralOptions {
  std::vector<std::string> texts;
  std::string field = "text", teacher, masked_lm;
  data::TextPieceOptions text{.packing = data::Packing::kLines};
  train::Options train{.epochs = 3,
                       .batch_size = 256,
                       .learning_rate = 5e-5,
                       .weight_decay = 0.01,
                       .epsilon = 1e-6,
                       .bias_correction = false,
                       .clip = train::Clip::kEach,
                       .keep_best = false};
  void describe(Fields& f);
};

struct TinybertOptions : StudyOptions {  // its train: of the teacher and of the prediction phase
  std::string teacher;
  int64_t layers = 4, width = 312, intermediate_size = 1200;
  LayerLossOptions loss;
  PatientOptions pkd;
  GeneralOptions general;
  synthesis::AugmentOptions augment;
  train::Options intermediate{.epochs = 20,
                              .batch_size = 32,
                              .learning_rate = 5e-5,
                              .weight_decay = 0.01,
                              .epsilon = 1e-6,
                              .schedule = train::ScheduleKind::kConstant,
                              .warmup_steps = 0,
                              .bias_correction = false,
                              .clip = train::Clip::kEach,
                              .keep_best = false};
  TinybertOptions();
  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs() const;
  void plan_trainings(EncoderPlan& plan) const;
  models::EncoderConfig student_config(models::EncoderConfig teacher) const;
  const std::string& general_teacher() const { return general.teacher.empty() ? teacher : general.teacher; }
  const std::string& masked_lm_teacher() const {
    return general.masked_lm.empty() ? general_teacher() : general.masked_lm;
  }
  // The texts of general distillation for masked language modelling, with the masks of BERT or of DistilBERT.
  MaskedLmDataOptions masked_lm_data(bool of_distilbert) const;
};

// Leaves in the run's folder: general/VARIANT/model of each general distillation, arms/ (a folder an arm and seed),
// model/ (TinyBERT of the first seed), table.json, table.md and report.html.
void run_tinybert(const TinybertOptions& options, const Run& run);

}  // namespace limbeck::recipes
