// A study on a task: arms that are trained several times from other random numbers and measured on the same test rows.
// What recipes that compare arms of an encoder share. Predictions of each training stay in its folder; a study that is
// asked for again reads them and trains what is missing.
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
#include "evaluation/task_figures.h"
#include "models/encoder.h"
#include "recipes/task_training.h"
#include "tensor/device.h"
#include "train/fit.h"

namespace limbeck::recipes {

struct StudyOptions {
  TaskDataOptions task;
  int64_t runs = 5, seed = 1, resamples = 2000;
  Precision precision = Precision::kBf16;
  train::Options train{
      .batch_size = 32, .learning_rate = 5e-5, .weight_decay = 0.01, .warmup_steps = 0, .keep_best = false};
  void describe(Fields& f);
  std::vector<std::filesystem::path> inputs(const std::vector<std::string>& models) const;  // with files of models
};

// "arms: expected … but received …" when a name is not known; none when all are.
std::optional<std::string> mistake_in_arm_names(const std::vector<std::string>& arms,
                                                const std::vector<std::string>& known);
bool has_arm(const std::vector<std::string>& arms, const std::string& name);

struct StudyArm {
  std::string name, title;
  std::vector<evaluation::Predictions> runs;
  std::vector<double> dev;  // dev_metric of each run
  int64_t parameters = 0;
  double milliseconds = 0;  // a test text, all at once; 0: not measured
};

class Study {
 public:
  // Opens the task with the tokenizer of `folder`, whose labels' order is kept where it has the task's head already.
  Study(const StudyOptions& options, const std::string& folder, const Run& run);

  const OpenTask& task() const { return task_; }
  const text::Tokenizer& tokenizer() const { return *tokenizer_; }
  Seed seed_of(int64_t run) const;                         // what arms of one run share
  Run folder(int64_t run, const std::string& name) const;  // run-1/NAME, …

  // The encoder of a folder with the task's head; fresh_head says whether that is to be trained yet.
  models::LoadedEncoder open(const std::string& folder, Seed seed) const;

  using MakeStep = std::function<train::Step(models::Encoder& encoder, const TaskHooks& hooks)>;
  // Trains in place, `run` being the folder; a finished training returns at once. No `step`: fine-tuning.
  void fit(models::Encoder& encoder, const Run& run, Seed seed, const train::Options& train,
           const MakeStep& step = nullptr) const;
  void fit(models::Encoder& encoder, const Run& run, const train::Options& train, TaskHooks& hooks,
           const MakeStep& step = nullptr) const;
  // The folder's weights in `encoder` as a model to teach with: trained first where its head was fresh.
  std::shared_ptr<models::Encoder> teacher(const std::string& folder, const train::Options& train) const;

  // Predicts the test rows and leaves NAME.jsonl and NAME.json in the folder.
  void measure(models::Encoder& encoder, const Run& run, const std::string& name) const;
  static bool is_measured(const Run& run, const std::string& name);
  // Adds what was measured in that folder to the arm's runs.
  void add(const Run& run, const std::string& name, const std::string& title);
  // Of the first metric on the dev rows (or the test rows, where there are none); larger is better.
  double dev_metric(models::Encoder& encoder) const;

  const std::vector<StudyArm>& arms() const { return arms_; }
  // table.json and table.md with figures, intervals and each arm less `reference`; `more` stands behind the table.
  void write(const std::string& title, const std::string& reference, const std::string& more = "",
             const Json& facts = {}) const;

 private:
  StudyArm& arm_of(const std::string& name, const std::string& title);
  StudyOptions options_;
  Run run_;
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  OpenTask task_;
  std::vector<StudyArm> arms_;
};

// Removes the checkpoints of a training that is measured.
void forget_checkpoints(const Run& run);
int64_t num_parameters(models::Encoder& encoder);

}  // namespace limbeck::recipes
