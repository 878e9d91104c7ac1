// The Python program that runs inside the isolation as process 1: it forks itself for every program, limits it, watches
// it and reports how it ended. It is given program text by nobody but the forked child, and never an expected answer.
#pragma once

#include <string>
#include <vector>

#include "sandbox/judge.h"

namespace limbeck::sandbox {

// Source of the supervisor, for `python3 -c`.
extern const char* const kSupervisor;

// What follows the source on the command line: limits, filters and numbers that only the C headers know.
std::vector<std::string> supervisor_arguments(const Limits& limits);

}  // namespace limbeck::sandbox
