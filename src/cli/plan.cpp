// limbeck plan METHOD [FILE.toml] [--out=DIR] [--key=value]: what limbeck run with the same arguments will need, and
// what does not fit. Exit code 1 when something does not.
#include "recipes/plan.h"

#include <fmt/format.h>

#include "base/errors.h"
#include "base/fields.h"
#include "cli/verbs.h"
#include "recipes/catalog.h"
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

  const recipes::PlanFacts facts = recipes::plan_facts(names[0], *job, fields);
  const recipes::PlanMachine machine = recipes::this_machine(options.out);
  std::optional<recipes::PlanSpeeds> speeds;
  // What does not fit is not tried.
  const int64_t least = std::max(recipes::sampling_bytes(facts), 12 * facts.student.num_parameters);
  if (options.measure && !facts.student.path.empty() && least < machine.free_memory)
    speeds = recipes::measure_speeds(facts);
  const recipes::Plan plan = recipes::plan_of(facts, machine, speeds);
  for (const auto& [what, amount] : plan.lines) fmt::print("{:<18} {}\n", what, amount);
  if (plan.obstacles.empty()) {
    fmt::print("\nnothing stands in the way\n");
    return 0;
  }
  fmt::print("\ndoes not fit:\n");
  for (const auto& obstacle : plan.obstacles) fmt::print("  {}\n", obstacle);
  return 1;
}

}  // namespace limbeck::cli
