// limbeck list: the methods, a few lines each.
#include <fmt/format.h>

#include <cstdio>

#include "base/fields.h"
#include "base/wrapped_text.h"
#include "cli/verbs.h"
#include "recipes/catalog.h"

namespace limbeck::cli {

namespace {

struct ListOptions {
  bool names = false;
  void describe(Fields& f) { f("names", names, "prints the bare names, one a line"); }
};

}  // namespace

int verb_list(const Args& args) {
  ListOptions options;
  Fields fields = fields_of(options);
  read_options(fields, "", args);
  if (options.names) {
    for (const auto& method : recipes::methods()) fmt::print("{}\n", method.name);
    return 0;
  }
  for (const auto& method : recipes::methods())
    fmt::print("{:<12} {} ({})\n{:<12} {}\n\n", method.name, method.title, method.paper, "",
               wrapped_text(method.summary, 97, 13));
  fmt::print("limbeck show METHOD lists a method's options.\n");
  return 0;
}

}  // namespace limbeck::cli
