// limbeck plan METHOD [FILE.toml] [--out=DIR] [--key=value]: what limbeck run with the same arguments will need, and
// what does not fit. Exit code 1 when something does not.
#include "recipes/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/errors.h"
#include "base/fields.h"
#include "cli/verbs.h"
#include "recipes/catalog.h"
#include "recipes/encoder_plan.h"
#include "recipes/plan_encoder.h"
#include "recipes/plan_measure.h"

namespace limbeck::cli {
namespace {

struct PlanOptions {
  std::string out;
  bool measure = true;
  void describe(Fields& f) {
    f("out", out, "folder that the run will have; empty: the current one");
    f("measure", measure, "run the models for some seconds, for the time and the memory of training");
  }
};

bool is_own(const std::string& arg) {
  for (const char* flag : {"--out", "--measure", "--no-measure"})
    if (arg == flag || arg.starts_with(std::string(flag) + "=")) return true;
  return false;
}

// Without activations; what does not fit is not tried.
bool fits(const recipes::EncoderPlan& plan, const recipes::PlanMachine& machine) {
  return std::all_of(plan.trainings.begin(), plan.trainings.end(), [&](const recipes::PlannedTraining& training) {
    return recipes::training_bytes(training, plan.precision, 0) < machine.free_memory;
  });
}

// The exit code: 1 where something does not fit.
int say(const recipes::Plan& plan) {
  std::size_t width = 0;
  for (const auto& [what, amount] : plan.lines) width = std::max(width, what.size());
  for (const auto& [what, amount] : plan.lines) fmt::print("{:<{}}  {}\n", what, width, amount);
  if (plan.obstacles.empty()) {
    fmt::print("\nnothing stands in the way\n");
    return 0;
  }
  fmt::print("\ndoes not fit:\n");
  for (const auto& obstacle : plan.obstacles) fmt::print("  {}\n", obstacle);
  return 1;
}

}  // namespace

int verb_plan(const Args& args) {
  PlanOptions options;
  Args own, flags, names;
  for (const auto& arg : args) (is_own(arg) ? own : arg.starts_with("-") ? flags : names).push_back(arg);
  if (names.empty()) own.insert(own.end(), flags.begin(), flags.end());  // limbeck plan --help
  Fields own_fields = fields_of(options);
  read_options(own_fields, "", own);
  if (names.empty() || names.size() > 2)
    user_fail("plan", "expected METHOD [FILE.toml] but received {} names; limbeck list names the methods",
              names.size());
  const auto job = recipes::method_named(names[0]).make();
  Fields fields = job->fields();
  read_options(fields, names.size() > 1 ? names[1] : "", flags);

  const recipes::PlanMachine machine = recipes::this_machine(options.out);
  if (const auto encoders = job->encoder_plan()) {
    std::vector<recipes::EncoderSpeed> speeds;
    if (options.measure && fits(*encoders, machine)) speeds = recipes::measure_speeds(*encoders);
    return say(recipes::plan_of(*encoders, machine, speeds));
  }
  const recipes::PlanFacts facts = recipes::plan_facts(names[0], *job, fields);
  std::optional<recipes::PlanSpeeds> speeds;
  // What does not fit is not tried.
  const int64_t least = std::max(recipes::sampling_bytes(facts), 12 * facts.student.num_parameters);
  if (options.measure && !facts.student.path.empty() && least < machine.free_memory)
    speeds = recipes::measure_speeds(facts);
  return say(recipes::plan_of(facts, machine, speeds));
}

}  // namespace limbeck::cli
