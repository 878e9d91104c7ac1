// What a set of judged programs says about a model: right ones, ones that run at all, and how long they are. Long
// programs that bind many constants hit a number by chance (systems: EKT, failure signatures), so length is a
// diagnostic of quality.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "evaluation/bootstrap.h"
#include "sandbox/judge.h"

namespace limbeck::evaluation {

// The judged samples of one problem.
struct Tally {
  int64_t num_samples = 0, num_passed = 0, num_executable = 0;
};

// Ran to its end and bound a number to `answer`, right or wrong.
bool executable(const sandbox::Verdict& verdict);
void count(Tally& tally, const sandbox::Verdict& verdict);

Interval pass_at_k(std::span<const Tally> problems, int64_t k, const BootstrapOptions& options);
Interval executable_rate(std::span<const Tally> problems, const BootstrapOptions& options);
// pass@k of each problem, for paired comparisons.
std::vector<double> pass_at_k_each(std::span<const Tally> problems, int64_t k);

int64_t num_lines(std::string_view program);  // without blank ones

}  // namespace limbeck::evaluation
