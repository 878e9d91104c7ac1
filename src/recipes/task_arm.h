// An arm of an encoder recipe: a way to train, run with one or more seeds, measured on the test rows.
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
#include "train/fit.h"
#include "train/options.h"

namespace limbeck::recipes {

// What arms are trained and measured on, and how. Part of a recipe's options.
struct TuningOptions {
  TaskDataOptions data;
  int64_t seeds = 5, resamples = 2000;
  double warmup = 0.06;
  train::Options train{.epochs = 3,
                       .batch_size = 32,
                       .learning_rate = 5e-5,
                       .weight_decay = 0.01,
                       .warmup_steps = 0,
                       .keep_best = false};
  void describe(Fields& f);
};

// A mistake in the arms that are asked for: none, one that is not known, one twice.
std::optional<std::string> mistake_in_arms(const std::vector<std::string>& arms, const std::vector<std::string>& known);

// Milliseconds from token ids to logits, medians over batches of test rows (of each the least of several rounds),
// measured when the arm was trained.
struct ArmSpeed {
  double one = 0;         // of a row alone
  double thirty_two = 0;  // of a row among 32
};

// A row of the table.
struct TaskArm {
  std::string name, title;
  std::vector<evaluation::Predictions> runs;    // of the test rows, for each seed
  std::vector<std::filesystem::path> folders;   // of those runs: log.jsonl, model/, predictions.jsonl
  int64_t num_parameters = 0, num_trained = 0;  // of the model, and those that were trained; 0: there is no model
  ArmSpeed speed;                               // of the first run's model
};

// How an arm trains. What is not given is fine-tuning.
struct ArmTraining {
  std::string name, title;
  std::function<models::PretrainedEncoder(Seed seed)> student;  // the weights to begin with, the task's head on them
  StepOf step;
  std::function<train::Trainable(models::Encoder& student)> parameters;  // those that are trained; all
  // What lives in time beside (or around) the task's own hooks; they call those.
  std::function<std::unique_ptr<train::Hooks>(models::Encoder& student, TaskHooks& own, const Run& run)> hooks;
  train::Options train;
  // Arms whose runs have the same number see the same rows in the same order and draw the same dropout, so that what is
  // left between them is what they do. The first run's number; further seeds count on.
  int64_t first_seed = 0;
};

struct ArmContext {
  const OpenTask& task;
  Precision precision = Precision::kBf16;  // of products, in training and measuring
  int64_t num_seeds = 1;
};

// Trains `training` with each seed in a folder of its own under `arms` ("NAME-1", ...; "NAME" where there is one seed).
// A run that is there already is read instead.
TaskArm train_arm(const ArmTraining& training, const ArmContext& context, const Run& arms);

// What is known of a run when it is done.
struct Measured {
  evaluation::Predictions predictions;  // of the test rows
  int64_t num_parameters = 0, num_trained = 0;
  ArmSpeed speed;
};
void write_measured(const Run& run, const OpenTask& task, const Measured& measured);

// An arm of which `make` makes the run of each seed, ending with write_measured; folders as train_arm has them.
TaskArm make_arm(const std::string& name, const std::string& title, int64_t first_seed, const ArmContext& context,
                 const Run& arms, const std::function<void(const Run& run)>& make);

// The arm of a model that is there already, such as the teacher. Freezes it.
TaskArm measure_arm(const std::string& name, const std::string& title, models::Encoder& encoder,
                    const ArmContext& context, const Run& run);

// What no text tells: the most frequent label of the training rows (the mean of their scores, the most frequent tag of
// every word, no answer).
TaskArm majority_arm(const OpenTask& task);

// Of a frozen encoder.
ArmSpeed measure_speed(models::Encoder& encoder, const data::EncodedSplit& split);

int64_t num_weights(models::Encoder& encoder);

}  // namespace limbeck::recipes
