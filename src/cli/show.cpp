// limbeck show METHOD: its paper, what it does, and every option with default and range; --markdown is the page of
// docs/options.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/errors.h"
#include "base/fields.h"
#include "base/wrapped_text.h"
#include "cli/verbs.h"
#include "recipes/catalog.h"

namespace limbeck::cli {
namespace {

struct ShowOptions {
  std::string method;
  bool toml = false;
  void describe(Fields& f) { f("toml", toml, "prints the defaults as a TOML file to start from"); }
};

}  // namespace

int verb_show(const Args& args) {
  ShowOptions options;
  Args flags, names;
  for (const auto& arg : args) (arg.starts_with("-") ? flags : names).push_back(arg);
  const bool markdown = std::erase(flags, "--markdown") > 0 && !names.empty();
  Fields fields = fields_of(options);
  if (!markdown && names.empty() && std::count(args.begin(), args.end(), "--markdown") > 0)
    flags.push_back("--markdown");
  read_options(fields, "", flags);
  if (names.size() != 1)
    user_fail("show", "expected one method but received {}; limbeck list names them", names.size());

  const auto& method = recipes::method_named(names.front());
  const auto job = method.make();
  const Fields of_method = job->fields();
  if (options.toml) {
    fmt::print("{}", to_toml(of_method));
  } else if (markdown) {
    fmt::print("# {}: {}\n\n{}\n\n{}\n\n```\nlimbeck run {} FILE.toml --out=DIR\n```\n\n{}", method.name, method.title,
               method.paper, method.summary, method.name, to_markdown(of_method));
  } else {
    fmt::print("{}: {} ({})\n\n{}\n\n", method.name, method.title, method.paper, wrapped_text(method.summary, 110));
    fmt::print("  limbeck run {} FILE.toml --out=DIR --key=value\n\n{}", method.name, to_help(of_method));
  }
  return 0;
}

}  // namespace limbeck::cli
