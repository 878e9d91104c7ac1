// The arms of an EKT run: a list to read. An arm is a run of its own in arms/NAME; all are measured on the same
// problems.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/run.h"
#include "evaluation/bootstrap.h"
#include "recipes/ekt_context.h"

namespace limbeck::recipes {

struct ArmResult {
  std::string name, title;
  Solved solved;
  std::optional<evaluation::Interval> nll;  // a token of the teacher's verified programs for the test problems
  std::vector<TrainingPair> pairs;          // what it was trained on
  std::filesystem::path folder;             // its log.jsonl holds the training curve
};

struct Arm {
  std::string name, title, what;
  ArmResult (*run)(EktContext& context, const Run& run);
};

const std::vector<Arm>& ekt_arms();
const Arm* find_arm(std::string_view name);  // null when there is none
std::string arm_names_text();                // "few_shot, unfiltered, ekt"

// The teacher, few-shot, on the test problems: the figures beside the arms. Fills context.references.
ArmResult measure_teacher(EktContext& context, const Run& run);

// The programs that the filter kept; and as many of the teacher's samples as `count` that nobody looked at: the first
// sample of problems in random order, then the second, ….
std::vector<TrainingPair> verified_pairs(const EktContext& context);
std::vector<TrainingPair> unverified_pairs(const EktContext& context, std::size_t count);

}  // namespace limbeck::recipes
