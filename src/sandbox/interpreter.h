// The Python interpreter that judges, and what of the machine's files it needs to run in an otherwise empty root.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace limbeck::sandbox {

struct Interpreter {
  std::string executable, version;                            // real path; "3.11.2"
  std::vector<std::string> folders;                           // to be seen read-only: its library, its shared objects'
  std::vector<std::pair<std::string, std::string>> symlinks;  // target, path: "usr/lib", "/lib"
};

// Asks `executable`, or when it is empty /usr/bin/python3 and then the first python3 in PATH. A value, or why there is
// none.
struct FoundInterpreter {
  std::optional<Interpreter> interpreter;
  std::string why_not;
};
FoundInterpreter find_interpreter(const std::string& executable);

// The first file of that name in PATH that can be executed; empty when there is none.
std::string find_program(const std::string& name);

}  // namespace limbeck::sandbox
