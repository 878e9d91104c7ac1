// limbeck run METHOD [FILE.toml] --out=DIR [--key=value]: runs a method; the same line again goes on where it was
// stopped.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "base/errors.h"
#include "base/fields.h"
#include "base/run.h"
#include "cli/verbs.h"
#include "recipes/catalog.h"

namespace limbeck::cli {
namespace {

struct RunOptions {
  std::string out;
  void describe(Fields& f) { f("out", out, "the run's folder; what stands there of the same run is gone on with"); }
};

}  // namespace

int verb_run(const Args& args) {
  RunOptions options;
  Args own, flags, names;
  for (const auto& arg : args) {
    if (arg.starts_with("--out=") || arg == "--out")
      own.push_back(arg);
    else
      (arg.starts_with("-") ? flags : names).push_back(arg);
  }
  if (names.empty() && !flags.empty()) own.insert(own.end(), flags.begin(), flags.end());  // limbeck run --help
  Fields own_fields = fields_of(options);
  read_options(own_fields, "", own);
  if (names.empty() || names.size() > 2)
    user_fail("run", "expected METHOD [FILE.toml] --out=DIR but received {} names; limbeck list names the methods",
              names.size());
  const auto job = recipes::method_named(names[0]).make();
  Fields fields = job->fields();
  read_options(fields, names.size() > 1 ? names[1] : "", flags);
  if (options.out.empty()) user_fail("run", "expected --out=DIR, the folder of the run");
  const Run run = Run::open(options.out, names[0], to_toml(fields), job->inputs(), job->seed());
  if (run.resumed()) fmt::print(stderr, "{}: going on with the run that stands there\n", options.out);
  job->run(run);
  return 0;
}

}  // namespace limbeck::cli
