// limbeck show METHOD: its paper, what it does, and every option with default and range; --markdown is the page of
// docs/options. limbeck show teacher: the same of the TOML file that describes a served teacher.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/errors.h"
#include "base/fields.h"
#include "base/wrapped_text.h"
#include "cli/verbs.h"
#include "recipes/catalog.h"
#include "teachers/served.h"

namespace limbeck::cli {
namespace {

struct ShowOptions {
  std::string method;
  bool toml = false;
  void describe(Fields& f) { f("toml", toml, "prints the defaults as a TOML file to start from"); }
};

// What one page says.
struct Page {
  std::string name, title, source, summary, usage;
};

void print_page(const Page& page, const Fields& fields, const ShowOptions& options, bool markdown) {
  if (options.toml) {
    fmt::print("{}", to_toml(fields));
  } else if (markdown) {
    fmt::print("# {}: {}\n\n{}\n\n{}\n\n```\n{}\n```\n\n{}", page.name, page.title, page.source, page.summary,
               page.usage, to_markdown(fields));
  } else {
    fmt::print("{}: {} ({})\n\n{}\n\n", page.name, page.title, page.source, wrapped_text(page.summary, 110));
    fmt::print("  {} --key=value\n\n{}", page.usage, to_help(fields));
  }
}

void print_teacher(const ShowOptions& options, bool markdown) {
  teachers::ServedOptions served;
  print_page(
      {.name = "teacher",
       .title = "a teacher behind an OpenAI-compatible address",
       .source = "a TOML file, wherever an option names a teacher",
       .summary = "Questions go to the server so many at once and are sent again after what passes. Each answer is "
                  "stored before it is used, and nothing that is stored is asked again. A key is named by its "
                  "environment variable and written nowhere. A cap on tokens or cost counts what is under way at "
                  "its worst, so it is not passed.",
       .usage = "limbeck run ekt FILE.toml --out=DIR --teacher=TEACHER.toml"},
      fields_of(served), options, markdown);
}

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
  if (names.front() == "teacher") {
    print_teacher(options, markdown);
    return 0;
  }
  const auto& method = recipes::method_named(names.front());
  const auto job = method.make();
  print_page({.name = method.name,
              .title = method.title,
              .source = method.paper,
              .summary = method.summary,
              .usage = fmt::format("limbeck run {} FILE.toml --out=DIR", method.name)},
             job->fields(), options, markdown);
  return 0;
}

}  // namespace limbeck::cli
