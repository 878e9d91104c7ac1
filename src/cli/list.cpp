// limbeck list: the methods, a few lines each.
#include <fmt/format.h>

#include <cstdio>

#include "base/fields.h"
#include "cli/verbs.h"
#include "recipes/catalog.h"

namespace limbeck::cli {

int verb_list(const Args& args) {
  Fields none;
  read_options(none, "", args);
  for (const auto& method : recipes::methods())
    fmt::print("{:<12} {} ({})\n{:<12} {}\n\n", method.name, method.title, method.paper, "", method.summary);
  fmt::print("limbeck show METHOD lists a method's options.\n");
  return 0;
}

}  // namespace limbeck::cli
