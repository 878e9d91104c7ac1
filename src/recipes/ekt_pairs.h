// What the students of an EKT run are trained on: questions with programs, chosen from a teacher's judged samples.
#pragma once

#include <cstddef>
#include <vector>

#include "recipes/ekt_context.h"

namespace limbeck::recipes {

// The programs that the filter kept of samples of context.train (k a problem, problem by problem); at most
// options.max_pairs of them, drawn at random, in the order of the problems.
std::vector<TrainingPair> verified_pairs(const EktContext& context,
                                         const std::vector<synthesis::JudgedSample>& samples);

// As many of the teacher's samples as `count` that nobody looked at: the first sample of problems in random order, then
// the second, ….
std::vector<TrainingPair> unverified_pairs(const EktContext& context, std::size_t count);

void write_pairs(const std::filesystem::path& file, const std::vector<TrainingPair>& pairs);

}  // namespace limbeck::recipes
