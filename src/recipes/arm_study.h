// A study of arms on a task, for recipes whose arms start from the layers of one encoder and whose seeds belong
// together: what they share above recipes/task_arm.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/run.h"
#include "models/layer_choice.h"
#include "recipes/task_arm.h"
#include "recipes/task_distil.h"
#include "recipes/task_table.h"
#include "recipes/task_training.h"
#include "tensor/device.h"
#include "train/options.h"

namespace limbeck::recipes {

struct StudyOptions : TuningOptions {
  std::vector<std::string> arms;
  int64_t seed = 1;
  Precision precision = Precision::kBf16;

  void describe(Fields& f, const std::vector<std::string>& known_arms);
  bool has(const std::string& arm) const;
  std::vector<std::filesystem::path> inputs(
      const std::vector<std::string>& models) const;  // data and models that are named
};

// Of a study with arms that are taught by logits.
struct DistilledOptions : StudyOptions {
  TaskDistilOptions kd;

  void describe(Fields& f, const std::vector<std::string>& known_arms);
};

// By an encoder that is named; the students start from blocks of another one.
struct TaughtOptions : DistilledOptions {
  std::string teacher;
  models::LayerChoiceOptions layers;

  void describe(Fields& f, const std::vector<std::string>& known_arms, Names teacher_is);
};

class Study {
 public:
  // Opens the task for the encoder in `folder`.
  Study(const StudyOptions& options, const std::string& folder, const Run& run);

  const OpenTask& task() const { return task_; }
  const train::Options& train() const { return train_; }                                   // with the warm-up steps
  ArmContext context() const { return {.task = task_, .precision = options_.precision}; }  // of one seed
  Run arms() const { return run_.child("arms"); }
  Seed seed_of(int64_t s) const;  // what arms of one seed share: heads and draws of layers

  // The encoder of a folder with the task's head, without the blocks that `layers` names.
  models::PretrainedEncoder open(const std::string& folder, Seed seed,
                                 const models::LayerChoiceOptions& layers = {}) const;

  // A training with train(), the weights to begin with given, and a step where it is not fine-tuning; what else it is
  // the caller adds.
  ArmTraining starting_from(std::function<models::PretrainedEncoder()> student, StepOf step = {}) const;
  // Trains one seed of an arm, in arms/NAME-SEED.
  TaskArm train_seed(const std::string& name, const std::string& title, int64_t s, ArmTraining training) const;
  // All seeds.
  TaskArm train_seeds(const std::string& name, const std::string& title,
                      const std::function<ArmTraining(int64_t s)>& training) const;

  // The teacher in a folder: as it is where it has the task's head, fine-tuned otherwise. To be taught by and as an
  // arm.
  struct Teacher {
    std::shared_ptr<models::Encoder> model;
    TaskArm arm;
  };
  // `hooks`: of the fine-tuning, where there is one.
  Teacher teacher(const std::string& folder, decltype(ArmTraining::hooks) hooks = {}) const;
  bool has_head(const std::string& folder) const;  // of the task

 private:
  StudyOptions options_;
  Run run_;
  OpenTask task_;
  train::Options train_;
};

// The runs of `more` behind those of an arm; an arm without runs becomes it.
void add_runs(TaskArm& arm, const TaskArm& more);

}  // namespace limbeck::recipes
