#include "cli/verbs.h"

namespace limbeck::cli {

// A row joins when its verb's file does.
const std::vector<Verb>& verbs() {
  static const std::vector<Verb> list = {};
  return list;
}

}  // namespace limbeck::cli
