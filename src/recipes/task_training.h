// Training an encoder on a task: what every recipe for encoders shares. A recipe opens the task, makes a model with the
// task's head, trains it by a step of its own (or fine_tuning_step), and measures it:
//
//   const OpenTask task = open_task(options.task, *tokenizer, limits_of(config));
//   auto encoder = models::load_encoder(folder, head_of(task.data), seed).model;
//   TaskHooks hooks(*encoder, task, seed);
//   train::fit(trainable(*encoder), task.train.examples, fine_tuning_step(*encoder, task, hooks), options, run, hooks);
//   const auto predictions = predict(*encoder, task.data.description, task.data.test, task.test);
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/seeds.h"
#include "data/task_encode.h"
#include "data/task_rows.h"
#include "evaluation/task_figures.h"
#include "models/encoder.h"
#include "objectives/classification.h"
#include "text/tokenizer.h"
#include "train/fit.h"

namespace limbeck::recipes {

// The data that an encoder recipe is given, and how it is read. Part of a recipe's options.
struct TaskDataOptions {
  data::TaskOptions source;
  data::TaskEncodeOptions tokens;
  int64_t train_rows = 0;  // drawn from the training rows; 0: all
  bool is_given() const { return !source.task.empty() || !source.data.empty(); }
  void describe(Fields& f);
};

struct OpenTask {
  data::Task data;
  data::EncodedSplit train, dev, test;
};

// Reads, tokenises and says what it read: sizes, rows that were cut or left out. `model_labels` as read_task has them.
OpenTask open_task(const TaskDataOptions& options, const text::Tokenizer& tokenizer,
                   const models::EncoderConfig& config, Seed seed, const std::vector<std::string>& model_labels = {});
data::TaskLimits limits_of(const models::EncoderConfig& config);

// Throws UserError where there are no training or no test rows.
void expect_trainable(const OpenTask& task);
// The options with warm-up steps as a share of all steps, where they name none.
train::Options with_warmup(train::Options options, double share, const OpenTask& task);

// The head that a kind of task wants: as many outputs as it has labels, or one for a score.
models::Head head_of(const data::Task& task);

// The encoder's parameters; it must outlive the result. Of its head alone: the body then has no gradients.
train::Trainable trainable(models::Encoder& encoder);
train::Trainable trainable_head(models::Encoder& encoder);

// A forward pass over a batch with the head's logits: [documents, outputs], or [N, outputs] of tags and spans.
struct TaskPass {
  models::EncoderOutput output;
  at::Tensor logits;
};
TaskPass task_pass(models::Encoder& encoder, const data::Batch& batch, const models::EncoderWant& want = {});

// The task's own loss of those logits (cross-entropy, squared error, ...), by the tables of `split`.
objectives::Term task_loss(const at::Tensor& logits, const data::Batch& batch, data::TaskKind kind,
                           const data::EncodedSplit& split, const objectives::ClassOptions& options = {});

// What the dropout of an optimiser step is drawn by: the same after a restart, and for a text in any batch.
uint64_t dropout_salt(Seed seed, int64_t step);

// Logits of examples in their order, rows of those that belong to them: [documents or tokens, outputs], fp32. Without
// gradients and dropout; a forward pass holds at most max_tokens tokens.
std::vector<at::Tensor> task_logits(models::Encoder& encoder, const std::vector<data::Example>& examples,
                                    int64_t max_tokens = 8192);
// What those logits say of the rows.
evaluation::Predictions read_logits(const std::vector<at::Tensor>& logits, const data::TaskDescription& task,
                                    const std::vector<data::TaskRow>& rows, const data::EncodedSplit& split);
evaluation::Predictions predict(models::Encoder& encoder, const data::TaskDescription& task,
                                const data::TaskSplit& rows, const data::EncodedSplit& split);

// The first metric of the dev rows, its negative where less is better; none where there are no dev rows.
std::optional<double> dev_metric(const OpenTask& task, const std::function<evaluation::Predictions()>& predictions);

// Knows the step that dropout draws by, and gives the first metric of the dev rows (its negative where less is better).
class TaskHooks : public train::Hooks {
 public:
  TaskHooks(models::Encoder& encoder, const OpenTask& task, Seed seed) : encoder_(encoder), task_(task), seed_(seed) {}
  void before_step(int64_t step) override { step_ = step; }
  std::optional<double> evaluate(int64_t step) override;
  int64_t step() const { return step_; }  // counted from 0
  uint64_t salt() const { return dropout_salt(seed_, step_); }

 private:
  models::Encoder& encoder_;
  const OpenTask& task_;
  Seed seed_;
  int64_t step_ = 0;
};

// What a step is of whatever model and hooks a training has; both outlive it.
using StepOf = std::function<train::Step(models::Encoder& student, const TaskHooks& hooks)>;

// Fine-tuning: the task's loss with dropout. The precision of products is the encoder's. All outlive the result.
train::Step fine_tuning_step(models::Encoder& encoder, const OpenTask& task, const TaskHooks& hooks,
                             const objectives::ClassOptions& options = {});

}  // namespace limbeck::recipes
