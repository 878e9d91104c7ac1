#include "recipes/logit_kd.h"

#include <ATen/core/Tensor.h>

#include "recipes/drop_layers.h"
#include "recipes/time_shares.h"

namespace limbeck::recipes {

void LogitKdOptions::describe(Fields& f) {
  f("teacher", teacher,
    "the encoder that teaches: a Hugging Face folder; fine-tuned first where it has no head for the "
    "task",
    Names::kRequiredFolder);
  f("student", student, "the encoder that learns; empty: the teacher's folder, before it is fine-tuned here",
    Names::kFolder);
  f("arms", arms, "what is measured side by side: teacher, fine_tune (the student without teacher), kd");
  StudyOptions::describe(f);
  f.group("layers", layers);
  f.group("kd", kd);
  f.check([this] { return mistake_in_arm_names(arms, {"teacher", "fine_tune", "kd"}); });
}

void run_logit_kd(const LogitKdOptions& options, const Run& run) {
  const TimeLog time_log(run);
  const std::string source = options.student.empty() ? options.teacher : options.student;
  Study study(options, source, run);
  const auto teacher = study.teacher(options.teacher, options.train);
  const auto taught = taught_logits(*teacher, study.task(), options.kd);
  const Run of_teacher = run.child("teacher");
  if (has_arm(options.arms, "teacher")) {
    if (!Study::is_measured(of_teacher, "teacher")) study.measure(*teacher, of_teacher, "teacher");
    study.add(of_teacher, "teacher", "teacher");
  }

  const Study::MakeStep learn_both = [&](models::Encoder& student, const TaskHooks& hooks) {
    return distilling_step(student, study.task(), hooks, taught, options.kd);
  };
  const auto train = [&](int64_t i, const std::string& arm, const std::string& title, const Study::MakeStep& step) {
    if (!has_arm(options.arms, arm)) return;
    const Run folder = study.folder(i, arm);
    if (!Study::is_measured(folder, arm)) {
      const Seed seed = study.seed_of(i);
      const auto student =
          drop_layers(study.open(source, seed).model, options.layers, study.task().train.examples, seed);
      study.fit(*student, folder, seed, options.train, step);
      if (step && i == 0) models::save_encoder(run.path("model"), *student, study.tokenizer());
      study.measure(*student, folder, arm);
      forget_checkpoints(folder);
    }
    study.add(folder, arm, title);
  };
  for (int64_t i = 0; i < options.runs; ++i) {
    train(i, "fine_tune", "student, fine-tuned", nullptr);
    train(i, "kd", "student, distilled", learn_both);
  }
  study.write("Logit distillation", "fine_tune");
}

}  // namespace limbeck::recipes
