#include "evaluation/programs.h"

#include <algorithm>

#include "evaluation/pass_at_k.h"

namespace limbeck::evaluation {

bool executable(const sandbox::Verdict& verdict) {
  return verdict.outcome == sandbox::Outcome::kPassed ||
         (verdict.outcome == sandbox::Outcome::kWrongAnswer && verdict.answer.has_value());
}

void count(Tally& tally, const sandbox::Verdict& verdict) {
  ++tally.num_samples;
  if (verdict.outcome == sandbox::Outcome::kPassed) ++tally.num_passed;
  if (executable(verdict)) ++tally.num_executable;
}

std::vector<double> pass_at_k_each(std::span<const Tally> problems, int64_t k) {
  std::vector<double> values;
  for (const auto& problem : problems) values.push_back(pass_at_k(problem.num_samples, problem.num_passed, k));
  return values;
}

Interval pass_at_k(std::span<const Tally> problems, int64_t k, const BootstrapOptions& options) {
  return bootstrap_mean(pass_at_k_each(problems, k), options);
}

Interval executable_rate(std::span<const Tally> problems, const BootstrapOptions& options) {
  std::vector<double> executable, all;
  for (const auto& problem : problems) {
    executable.push_back(static_cast<double>(problem.num_executable));
    all.push_back(static_cast<double>(problem.num_samples));
  }
  return bootstrap_ratio(executable, all, options);
}

int64_t num_lines(std::string_view program) {
  int64_t lines = 0;
  bool blank = true;
  for (const char c : program) {
    if (c == '\n')
      blank = true;
    else if (c != ' ' && c != '\t' && c != '\r' && blank)
      blank = false, ++lines;
  }
  return lines;
}

}  // namespace limbeck::evaluation
