// What a run will need, before it begins: tokens, memory, disk and time, and what does not fit, with what to change.
// It is read off the options that the methods have in common (teacher, student, problems, k, sampling, train, eval), so
// a method needs no code of its own for it. Counts are upper bounds where the run decides them (how many programs
// pass).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "recipes/catalog.h"
#include "recipes/planned_arm.h"
#include "tensor/device.h"

namespace limbeck::recipes {

struct PlannedModel {
  std::filesystem::path path;  // "" for one that is not on this machine
  int64_t num_parameters = 0, num_layers = 0, context = 0;
  int64_t cache_bytes = 0;  // of the keys and values of one position in bf16
};

struct PlanFacts {
  std::string method;
  PlannedModel teacher, student;  // the student with the blocks that it will have
  int64_t num_problems = 0, num_test_problems = 0;
  int64_t prompt_tokens = 0;  // of the longest few-shot prompt
  int64_t k = 0, max_new_tokens = 0, max_batch = 0, test_samples = 0;
  std::vector<PlannedArm> arms;
  int64_t most_pairs = 0, pair_tokens = 0;  // training texts of an arm at most; tokens of one
  int64_t micro_batch_tokens = 0, keep_checkpoints = 0;
  int64_t calls = 1;          // of a teacher or student for a sample: rationale and answer are two
  int64_t means = 0;          // of the weights, kept beside them
  int64_t answer_tokens = 0;  // that a student writes for a test question, where not max_new_tokens; 0: those
  Precision precision = Precision::kBf16;
  bool keeps_low_copy = false;  // of the weights, for products in bf16 (tensor/product.h)
  double prompt_price = 0, completion_price = 0, cap_cost = 0;  // of a served teacher
  int64_t cap_tokens = 0;

  int64_t num_trained_arms() const;
  double epochs() const;  // of all arms together
};

// Of a job whose options were read into `fields`; files that they name are opened, no weights are read. Throws
// UserError for what is missing.
PlanFacts plan_facts(const std::string& method, const Job& job, const Fields& fields);

// From a short run of the models (recipes/plan_measure.h).
struct PlanSpeeds {
  double read = 0, drawn = 0, trained = 0;  // tokens a second: prompts, continuations, training
  int64_t training_bytes = 0;               // peak beside the optimiser's, 0 when it was not measured
};

struct PlanMachine {
  int64_t free_memory = 0, free_disk = 0;  // bytes
};
// `out`: the run's folder, or where it will be.
PlanMachine this_machine(const std::filesystem::path& out);

struct Plan {
  std::vector<std::pair<std::string, std::string>> lines;  // what, how much
  std::vector<std::string> obstacles;                      // what does not fit and what to change
};
Plan plan_of(const PlanFacts& facts, const PlanMachine& machine, const std::optional<PlanSpeeds>& speeds);

// Bytes while sampling from the teacher, and while the student learns; 0 for a teacher that is not here.
int64_t sampling_bytes(const PlanFacts& facts);
int64_t training_bytes(const PlanFacts& facts, const std::optional<PlanSpeeds>& speeds);

std::string bytes_text(int64_t bytes);     // "1.4 GiB"
std::string seconds_text(double seconds);  // "3 h 20 min"
std::string count_text(double count);      // "1.2 million"

}  // namespace limbeck::recipes
