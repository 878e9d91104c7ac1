// How many problems a model solves: k programs a problem, run in the sandbox, and the figures of that.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "base/seeds.h"
#include "evaluation/programs.h"
#include "generate/generate.h"
#include "sandbox/judge.h"
#include "synthesis/draw.h"
#include "synthesis/problems.h"
#include "synthesis/samples.h"
#include "teachers/teacher.h"

namespace limbeck::recipes {

struct SolvingOptions {
  int64_t num_samples = 100;  // n of pass@k
  std::vector<int64_t> ks = {1, 100};
  double temperature = 0.6;
  bool greedy = true;        // also one greedy program a problem: accuracy
  int64_t resamples = 2000;  // of the bootstrap over problems
  void describe(Fields& f);
};

struct Solved {
  std::vector<synthesis::JudgedSample> samples, greedy;               // problem by problem
  std::vector<evaluation::Tally> tallies;                             // of `samples`
  std::vector<double> accuracy_each;                                  // of `greedy`, 0 or 1
  std::vector<std::pair<std::string, evaluation::Interval>> figures;  // "accuracy", "pass@1", …, "executable"
  double mean_lines = 0;                                              // of the sampled programs
};

struct Solving {
  std::string label;  // of the progress lines
  std::span<const synthesis::Problem> problems;
  std::function<std::string(const synthesis::Problem&)> prompt;
  SolvingOptions options;
  generate::SamplingOptions sampling;  // its temperature gives way to options.temperature
  generate::BatchOptions batch;
  synthesis::Truncation truncation;
  Seed seed;
};

// Writes samples.jsonl and greedy.jsonl into `folder`, going on from what stands there. `source` is asked for only when
// something is left to draw.
Solved solve(const Solving& solving, const std::function<teachers::Teacher&()>& source, sandbox::Judge& judge,
             const std::filesystem::path& folder);
// The same of a frozen model.
Solved solve(const Solving& solving, const std::function<const models::Pretrained&()>& source, sandbox::Judge& judge,
             const std::filesystem::path& folder);

}  // namespace limbeck::recipes
