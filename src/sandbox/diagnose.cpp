// What `limbeck doctor` says about judging programs.
#include <unistd.h>

#include "base/errors.h"
#include "sandbox/filter.h"
#include "sandbox/interpreter.h"
#include "sandbox/judge.h"
#include "sandbox/process.h"

namespace limbeck::sandbox {
namespace {

Diagnosis bubblewrap() {
  const std::string path = find_program("bwrap");
  if (path.empty()) return {"bubblewrap", false, "not installed (apt-get install bubblewrap)"};
  std::string version = run_to_end({path, "--version"}, 10).output;
  while (version.ends_with('\n')) version.pop_back();
  return {"bubblewrap", true, version};
}

Diagnosis python() {
  const FoundInterpreter found = find_interpreter("");
  if (!found.interpreter) return {"Python", false, found.why_not};
  return {"Python", true, found.interpreter->executable + " " + found.interpreter->version};
}

Diagnosis filters() {
  const std::string lacks = missing_filter_support();
  return {"system-call filters", lacks.empty(), lacks.empty() ? "with user notifications" : lacks};
}

Diagnosis isolation() {
  try {
    Judge::open({.workers = 1});
    return {"isolation", true, geteuid() == 0 ? "tried, started as nobody where possible" : "tried"};
  } catch (const Error& error) {
    return {"isolation", false, error.what()};
  }
}

}  // namespace

std::vector<Diagnosis> diagnose() {
  return {bubblewrap(), python(), filters(), isolation()};
}

}  // namespace limbeck::sandbox
