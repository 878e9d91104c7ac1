#include "recipes/fine_tune.h"

#include "base/errors.h"
#include "recipes/linear_probe.h"
#include "recipes/task_arm.h"
#include "recipes/task_report.h"
#include "recipes/task_table.h"

namespace limbeck::recipes {

void FineTuneOptions::describe(Fields& f) {
  f("model", model, "Hugging Face folder of an encoder", Names::kRequiredFolder);
  StudyOptions::describe(f, {"majority", "probe", "fine-tune"});
  f("label_smoothing", label_smoothing, "share of the target that is spread over all labels",
    Range{.low = 0, .high = 1, .high_open = true});
  f("probe_reads", probe_reads,
    "what the arm probe reads of a text: the mean of its tokens' states, the first token's, or what the model's own "
    "head reads, which is then what is trained",
    {{"mean", ProbeReads::kMean}, {"first", ProbeReads::kFirst}, {"head", ProbeReads::kHead}});
  f("probe_learning_rate", probe_learning_rate, "of the arm probe, at its peak", above(0));
  f("probe_epochs", probe_epochs, "how often the arm probe sees each row; states are computed once", above(0));
}

void FineTuneOptions::plan_trainings(EncoderPlan& plan) const {
  const PlannedTraining tuning = planned_tuning(*this, model, precision);
  if (has("probe")) {
    PlannedTraining& probe = plan.add(tuning, "probe");
    probe.head_alone = true, probe.train.max_steps = 0;
    probe.train.epochs = probe_reads == ProbeReads::kHead ? probe_epochs : 1;  // else states are computed once
  }
  if (has("fine-tune")) plan.add(tuning, "fine-tune");
}

void run_fine_tune(const FineTuneOptions& options, const Run& run) {
  const auto loaded = in_context("loading " + options.model, [&] { return models::load_encoder(options.model); });
  const OpenTask task = open_task(options.data, *loaded.tokenizer, loaded.model->config(), run.seed());
  expect_trainable(task);
  const models::Head head = head_of(task.data);
  const ArmContext context{.task = task, .precision = options.precision, .num_seeds = options.seeds};
  const Run arms = run.child("arms");

  ArmTraining tuning{.name = "fine-tune",
                     .title = "fine-tuned",
                     .student = [&](Seed seed) -> models::PretrainedEncoder {
                       return models::load_encoder(options.model, head, seed.derive("head"));
                     },
                     .step =
                         [&](models::Encoder& student, const TaskHooks& hooks) {
                           return fine_tuning_step(student, task, hooks, {.smoothing = options.label_smoothing});
                         },
                     .train = with_warmup(options.train, options.warmup, task)};
  train::Options probe = options.train;
  probe.learning_rate = options.probe_learning_rate, probe.epochs = options.probe_epochs, probe.max_steps = 0;
  probe = with_warmup(probe, options.warmup, task);

  TaskResult result{.method = "fine-tune", .title = "Fine-tuning", .main = "fine-tune", .resamples = options.resamples};
  if (options.has("majority")) result.arms.push_back(majority_arm(task));
  if (options.has("probe")) {
    ArmTraining head = tuning;
    head.name = "probe", head.title = "head alone", head.parameters = trainable_head, head.train = probe;
    const nn::Pooling pooling = options.probe_reads == ProbeReads::kFirst ? nn::Pooling::kFirst : nn::Pooling::kMean;
    result.arms.push_back(
        options.probe_reads == ProbeReads::kHead
            ? train_arm(head, context, arms)
            : probe_arm({.pooling = pooling, .train = probe}, *tuning.student(run.seed()).model, context, arms));
  }
  if (options.has("fine-tune")) {
    result.arms.push_back(train_arm(tuning, context, arms));
    link_model(result.arms.back(), run);
  }
  write_task_results(result, task, run);
}

}  // namespace limbeck::recipes
