#include "recipes/swa_lessons.h"

#include "base/errors.h"
#include "text/tokenizer.h"

namespace limbeck::recipes {

Lessons::Lessons(const SwaOptions& options, const Study& study)
    : options_(options),
      study_(study),
      length_(train::length_of(static_cast<int64_t>(study.task().train.examples.size()), study.train())) {
  if (options.has("rco") && study.has_head(options.teacher))
    user_fail(
        "arms",
        "rco learns from checkpoints of the teacher's training, but {} has a head for the task already, so nothing "
        "is left of it; name a pretrained encoder without one as teacher, which is fine-tuned here, or leave rco "
        "out",
        options.teacher);
  if (options.has("mate_kd"))
    load_generator(options.mate, *text::Tokenizer::from_folder(options.model), encoder_config_in(options.model));
}

void Lessons::give(ArmTraining& training, Lesson lesson) {
  switch (lesson) {
    case Lesson::kLabels:
      break;
    case Lesson::kLogits:
      training.step = distilling(study_.task(), taught(), options_.kd);
      break;
    case Lesson::kAnnealed:
      training.step = annealed(study_.task(), taught(), options_.annealing, length_);
      break;
    case Lesson::kRoute:
      training.step = distilled_along(study_.task(), taught_on_route(), options_.kd, length_);
      break;
    case Lesson::kAdversarial:
      train_against_generator(training, adversarial_parts());
      break;
  }
}

Study::Teacher Lessons::teacher() const {
  if (!options_.has("rco")) return study_.teacher(options_.teacher);
  return study_.teacher(options_.teacher, [this](models::Encoder& teacher, TaskHooks& own, const Run& run) {
    return std::make_unique<RouteHooks>(teacher, own, run, options_.route, length_,
                                        text::Tokenizer::from_folder(options_.teacher));
  });
}

const std::vector<at::Tensor>& Lessons::taught() {
  if (taught_.empty()) taught_ = taught_logits(*teacher().model, study_.task(), options_.kd);
  return taught_;
}

const std::vector<std::vector<at::Tensor>>& Lessons::taught_on_route() {
  if (!taught_on_route_.empty()) return taught_on_route_;
  const std::vector<at::Tensor>& finished = taught();
  const auto run = study_.arms().path("teacher");
  for (int64_t anchor = 0; anchor + 1 < options_.route.anchors; ++anchor) {
    const auto model = study_.open(folder_of_anchor(run, anchor).string(), study_.seed_of(-1)).model;
    taught_on_route_.push_back(taught_logits(*model, study_.task(), options_.kd));
  }
  taught_on_route_.push_back(finished);
  return taught_on_route_;
}

AdversarialParts Lessons::adversarial_parts() {
  if (!adversarial_teacher_) adversarial_teacher_ = teacher().model;
  return {.task = study_.task(),
          .taught = taught(),
          .teacher = adversarial_teacher_,
          .tokenizer = text::Tokenizer::from_folder(options_.model),
          .kd = options_.kd,
          .mate = options_.mate,
          .train = study_.train(),
          .precision = options_.precision};
}

}  // namespace limbeck::recipes
