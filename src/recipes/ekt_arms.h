// The arms of an EKT run: a list to read. An arm is a run of its own in arms/NAME; all are measured on the same
// problems and share the teacher's samples.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/run.h"
#include "recipes/ekt_context.h"
#include "recipes/ekt_measure.h"

namespace limbeck::recipes {

struct Arm {
  std::string name, title, what;
  ArmResult (*run)(EktContext& context, const Run& run);
  // What these options lack for this arm ("stronger_teacher: …"); null where it needs nothing of its own.
  std::optional<std::string> (*lacks)(const EktOptions& options) = nullptr;
  // For `limbeck plan`; null where it is trained once as train says, on programs that are there.
  PlannedArm (*planned)(const EktOptions& options) = nullptr;
};

const std::vector<Arm>& ekt_arms();
const Arm* find_arm(std::string_view name);  // null when there is none
std::string arm_names_text();                // "few_shot, unfiltered, …"

// The arms that options.arms names, in its order; {"all"} is every arm that lacks nothing.
std::vector<const Arm*> chosen_arms(const EktOptions& options);
// What is wrong with options.arms, "arms: …"; none when nothing is.
std::optional<std::string> mistake_in_arms(const EktOptions& options);

}  // namespace limbeck::recipes
