// Trains one student of an EKT run (arXiv:2211.16740): the causal language model loss of "# question\nprogram".
#pragma once

#include <filesystem>
#include <vector>

#include "base/run.h"
#include "recipes/ekt_context.h"

namespace limbeck::recipes {

// Leaves the student in `model_folder` (a Hugging Face folder); returns at once when it is there already.
void train_student(const EktContext& context, const std::vector<TrainingPair>& pairs, const Run& run,
                   const std::filesystem::path& model_folder);

}  // namespace limbeck::recipes
