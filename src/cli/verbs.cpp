#include "cli/verbs.h"

namespace limbeck::cli {

// A row joins when its verb's file does.
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> list = {
      {"doctor", "limbeck doctor [--no-rates]", "Shows what works on this machine and what is missing", verb_doctor},
      {"list", "limbeck list", "Lists the methods", verb_list},
      {"show", "limbeck show METHOD [--toml | --markdown]", "Shows a method's paper and options", verb_show},
      {"run", "limbeck run METHOD [FILE.toml] --out=DIR [--key=value]",
       "Runs a method; the same line again goes on where it was stopped", verb_run},
  };
  return list;
}

}  // namespace limbeck::cli
