// What a method for encoders will do, before it begins, for `limbeck plan`: its trainings, one after another, with what
// each of them reads. A recipe says it in a few lines; recipes/plan_encoder.h makes memory, disk and time of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/batch.h"
#include "models/encoder.h"
#include "models/layer_choice.h"
#include "recipes/masked_lm.h"
#include "recipes/task_arm.h"
#include "train/fit.h"

namespace limbeck::recipes {

// What some trainings read, and how a step of them is made of it.
struct PlannedWork {
  models::Head head;
  std::vector<data::Example> examples;
  int64_t num_tokens = 0, held_out_tokens = 0, test_tokens = 0;  // of the examples; at each evaluation; after a run
  double vocabulary_share = 0;  // of the tokens, that the whole vocabulary is predicted for
  std::function<train::Step(models::Encoder& encoder)> step;
};

struct PlannedTraining {
  std::string name;
  models::EncoderConfig config;  // of what learns
  std::shared_ptr<const PlannedWork> work;
  train::Options train;
  int64_t runs = 1;         // each with a seed of its own
  double variants = 0;      // of an example, beside it
  double passes = 1;        // of the learner over an example, each time it is seen
  bool head_alone = false;  // is trained
  int64_t means = 0;        // of the weights, that are kept beside them
  std::optional<models::EncoderConfig> teacher = {};
  std::optional<double> teacher_epochs = {};  // how often the teacher reads the examples; none: as often as the learner

  void taught_by(const models::EncoderConfig& by, std::optional<double> epochs = {}) {
    teacher = by, teacher_epochs = epochs;
  }
};

struct EncoderPlan {
  Precision precision = Precision::kBf16;
  std::vector<PlannedTraining> trainings;
  // One more, as `like` is but for its name; to be changed.
  PlannedTraining& add(const PlannedTraining& like, const std::string& name);
  // The fine-tuning of the teacher in a folder, where it has no head for the task that `tuning` learns.
  void add_teacher(const PlannedTraining& tuning, const std::string& folder);
};

// What the options of a recipe say in `void plan_trainings(EncoderPlan& plan) const`.
template <class Options>
EncoderPlan encoder_plan(const Options& options) {
  EncoderPlan plan{.precision = options.precision};
  options.plan_trainings(plan);
  return plan;
}

// Fine-tuning on a task, of the encoder in a folder without the blocks that `layers` names. Opens the task.
PlannedTraining planned_tuning(const TuningOptions& options, const std::string& folder, Precision precision,
                               const models::LayerChoiceOptions& layers = {});
models::EncoderConfig encoder_config_in(const std::string& folder);
// Masked language modelling of texts; with `all_tokens` the vocabulary is predicted for each token instead of the
// hidden ones, as for a teacher's distribution.
PlannedTraining planned_masked_lm(const MaskedLmDataOptions& data, const text::Tokenizer& tokenizer,
                                  const models::EncoderConfig& config, const train::Options& train, Precision precision,
                                  bool all_tokens = false);
// Texts that a model without a head reads, its hidden states compared with something (what is measured is their sum).
std::shared_ptr<const PlannedWork> planned_texts(std::vector<data::Example> examples);

}  // namespace limbeck::recipes
