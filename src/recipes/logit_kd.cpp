#include "recipes/logit_kd.h"

#include <ATen/core/Tensor.h>

#include "recipes/task_report.h"

namespace limbeck::recipes {

void LogitKdOptions::describe(Fields& f) {
  f("student", student, "the encoder that learns; empty: the teacher's folder, before it is fine-tuned here",
    Names::kFolder);
  TaughtOptions::describe(f, {"teacher", "fine-tune", "kd", "pkd"}, Names::kRequiredFolder);
  f.group("pkd", pkd);
}

void LogitKdOptions::plan_trainings(EncoderPlan& plan) const {
  const PlannedTraining tuning = planned_tuning(*this, student.empty() ? teacher : student, precision, layers);
  if (has("teacher") || has("kd") || has("pkd")) plan.add_teacher(tuning, teacher);
  if (has("fine-tune")) plan.add(tuning, "fine-tune");
  if (has("kd")) plan.add(tuning, "kd").taught_by(encoder_config_in(teacher), 1.0 / static_cast<double>(seeds));
  if (has("pkd")) plan.add(tuning, "pkd").taught_by(encoder_config_in(teacher));
}

void run_logit_kd(const LogitKdOptions& options, const Run& run) {
  const std::string source = options.student.empty() ? options.teacher : options.student;
  const Study study(options, source, run);
  TaskResult result{.method = "logit-kd",
                    .title = "Logit distillation",
                    .paper = "Hinton et al., arXiv:1503.02531",
                    .main = "kd",
                    .resamples = options.resamples};
  const auto student = [&](int64_t s, const StepOf& step = {}) {
    return study.starting_from([&, s] { return study.open(source, study.seed_of(s), options.layers); }, step);
  };
  std::vector<at::Tensor> taught, patiently_taught;
  std::shared_ptr<models::Encoder> teacher;
  if (options.has("teacher") || options.has("kd") || options.has("pkd")) {
    const Study::Teacher opened = study.teacher(options.teacher);
    teacher = opened.model;
    if (options.has("teacher")) result.arms.push_back(opened.arm);
    if (options.has("kd")) taught = taught_logits(*teacher, study.task(), options.kd);
    if (options.has("pkd")) {
      patiently_taught = taught_logits(*teacher, study.task(), options.pkd);
      teacher->freeze(options.precision);
    }
  }
  if (options.has("fine-tune")) result.arms.push_back(study.train_seeds("fine-tune", "student, fine-tuned", student));
  if (options.has("kd")) {
    const StepOf step = distilling(study.task(), taught, options.kd);
    result.arms.push_back(study.train_seeds("kd", "student, distilled", [&](int64_t s) { return student(s, step); }));
    link_model(result.arms.back(), run);
  }
  if (options.has("pkd")) {
    const StepOf step = patiently(study.task(), *teacher, patiently_taught, options.pkd);
    result.arms.push_back(study.train_seeds("pkd", "student, PKD", [&](int64_t s) { return student(s, step); }));
  }
  write_task_results(result, study.task(), run);
}

}  // namespace limbeck::recipes
