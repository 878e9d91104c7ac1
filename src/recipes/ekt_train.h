// Trains one student of an EKT run (arXiv:2211.16740): the causal language model loss of "# question\nprogram", or
// another step over the same texts.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "base/run.h"
#include "data/batch.h"
#include "recipes/ekt_context.h"

namespace limbeck::recipes {

// What a student is taken through.
struct Course {
  std::vector<TrainingPair> pairs;
  std::function<models::Pretrained()> student;  // the weights to begin with
  train::Options train;
  bool look_at_dev = true;  // choose the checkpoint that solves most of the held-out questions
  // The step over the encoded pairs, one example a pair in their order; none: cross-entropy.
  std::function<train::Step(models::Pretrained& student, const std::vector<data::Example>& examples)> step;
};
// The context's student and training options, for these pairs.
Course usual_course(const EktContext& context, std::vector<TrainingPair> pairs);

// Leaves the student in `model_folder` (a Hugging Face folder); returns at once when it is there already.
void train_student(const EktContext& context, const Course& course, const Run& run,
                   const std::filesystem::path& model_folder);

}  // namespace limbeck::recipes
