// The result of an EKT run: a row for the teacher and each arm, EKT compared with each other arm, and how samples
// became training pairs. The same run gives the same bytes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "evaluation/bootstrap.h"
#include "recipes/ekt_arms.h"

namespace limbeck::recipes {

struct ArmComparison {
  std::string arm, against, figure;
  evaluation::Comparison comparison;
};

// From questions to training pairs.
struct Funnel {
  int64_t num_problems = 0, num_dropped = 0, num_dev = 0, num_sampled = 0;  // questions
  int64_t num_samples = 0, num_executable = 0, num_passed = 0, num_kept = 0, num_solved = 0;
  double mean_lines_kept = 0;
  std::vector<std::pair<std::string, int64_t>> reasons;  // of what was not kept, most frequent first
};

struct EktResult {
  std::vector<ArmResult> rows;  // the teacher first, where it was measured
  std::vector<ArmComparison> comparisons;
  Funnel funnel;
};

Funnel funnel_of(const EktContext& context);
// The last arm of `rows` named "ekt" against the other arms, on pass@k of each k, problem by problem.
std::vector<ArmComparison> compare_arms(const std::vector<ArmResult>& rows, const EktContext& context);

std::string percent(double share);                               // "18.2"
std::string percent(const evaluation::Interval& interval);       // "18.2 (14.0 to 22.9)"
std::string two_decimals(const evaluation::Interval& interval);  // "0.53 (0.41 to 0.66)"
std::vector<std::string> notes_of(const EktResult& result);      // what arms say about themselves, "title: note."
// What the bootstrap draws: "the problems", or "the 19 groups of like problems".
std::string drawn_anew(const EktContext& context);
std::string p_value_text(double p);  // "0.753", "below 0.001"

Json table_json(const EktResult& result, const EktContext& context);
std::string table_markdown(const EktResult& result, const EktContext& context);
std::string table_text(const EktResult& result, const EktContext& context);  // for the terminal

}  // namespace limbeck::recipes
