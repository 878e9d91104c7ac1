// What main() does: finds the verb among verbs() and calls it. Exit codes: 0 done, 1 failed, 2 the user's mistake,
// 130/143 interrupted and saved.
#pragma once

#include "cli/verbs.h"

namespace limbeck::cli {

int enter(int argc, char** argv);

}  // namespace limbeck::cli
