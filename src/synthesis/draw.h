// Draws k programs a problem from a teacher, runs each in the sandbox while the next ones are drawn, and writes a line
// for each, in order. Interrupted anywhere, the same call goes on and the file ends in the same bytes.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/seeds.h"
#include "generate/generate.h"
#include "sandbox/judge.h"
#include "synthesis/problems.h"
#include "synthesis/samples.h"
#include "synthesis/truncation.h"
#include "teachers/teacher.h"

namespace limbeck::synthesis {

struct Draw {
  std::string label = "sampling";  // of the progress line
  std::vector<Problem> problems;
  int64_t num_samples = 100;  // k, for each problem
  std::function<std::string(const Problem&)> prompt;
  generate::SamplingOptions sampling;
  generate::BatchOptions batch;  // of a model that is handed in as it is
  Truncation truncation;
  Seed seed;  // sample i of a problem uses seed.derive(id).derive(i)
  // Fills kept and reason of one problem's samples; called for every problem in order, also for those of an earlier
  // process.
  std::function<void(const Problem&, std::span<JudgedSample>)> decide;
};

// All samples, problem by problem. `teacher` is asked for only when something is left to draw.
std::vector<JudgedSample> draw_samples(const Draw& draw, const std::function<teachers::Teacher&()>& teacher,
                                       sandbox::Judge& judge, const std::filesystem::path& file);
// The same with a frozen model, for students.
std::vector<JudgedSample> draw_samples(const Draw& draw, const std::function<const models::Pretrained&()>& source,
                                       sandbox::Judge& judge, const std::filesystem::path& file);

}  // namespace limbeck::synthesis
