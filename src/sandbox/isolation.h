// The bubblewrap command that starts a supervisor in isolation: own user, pid, mount, network, ipc, uts and (where the
// kernel lets us) cgroup namespaces; an empty read-only root that shows the interpreter and its library; an empty
// environment; no capabilities; one small folder for files, when files are allowed.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "sandbox/interpreter.h"
#include "sandbox/judge.h"

namespace limbeck::sandbox {

struct Isolation {
  std::string bubblewrap;
  Interpreter interpreter;
  Limits limits;
  // Root starts bubblewrap as nobody, so that even a program that broke out of everything would be nobody.
  bool as_nobody = false;
};

// Throws UserError when bubblewrap, the interpreter or the kernel's filters are missing.
Isolation plan_isolation(const Limits& limits, const std::string& python);

// The command line; the outer filter is read from descriptor 3.
std::vector<std::string> command_of(const Isolation& isolation);

// What to do about bubblewrap's complaint, from the kernel's settings: "set kernel.unprivileged_userns_clone to 1", ...
std::string advice_on(const std::string& complaint);

}  // namespace limbeck::sandbox
