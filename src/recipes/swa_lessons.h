// What the trainings of a study of weight averaging learn from (recipes/swa.h): labels, or a teacher in one of the ways
// that the paper compares itself with. Each way is a file of its own; here they meet the study's teacher.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "recipes/arm_study.h"
#include "recipes/swa.h"
#include "recipes/swa_trajectories.h"
#include "train/schedule.h"

namespace limbeck::recipes {

class Lessons {
 public:
  // All outlive this, and this the trainings. Throws UserError for a teacher or a generator that an arm
  // that is asked for cannot have.
  Lessons(const SwaOptions& options, const Study& study);
  // What a training does by its lesson. The teacher is fine-tuned, where it must be, when the first lesson needs it.
  void give(ArmTraining& training, Lesson lesson);

 private:
  Study::Teacher teacher() const;
  const std::vector<at::Tensor>& taught();
  const std::vector<std::vector<at::Tensor>>& taught_on_route();
  AdversarialParts adversarial_parts();

  const SwaOptions& options_;
  const Study& study_;
  train::Length length_;  // of every training, the teacher's too
  std::vector<at::Tensor> taught_;
  std::vector<std::vector<at::Tensor>> taught_on_route_;  // by each anchor
  std::shared_ptr<models::Encoder> adversarial_teacher_;
};

}  // namespace limbeck::recipes
