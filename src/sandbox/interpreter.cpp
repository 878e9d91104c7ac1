#include "sandbox/interpreter.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "base/errors.h"
#include "sandbox/process.h"

namespace limbeck::sandbox {
namespace {

// Prints the version, the real executable, the folder of the standard library and those of every shared object that the
// supervisor's imports load.
constexpr const char* kQuestion = R"python(
import sys, os
if sys.version_info < (3, 9):
    print('too old', '%d.%d.%d' % sys.version_info[:3])
    sys.exit(0)
import ctypes, decimal, datetime, random, resource, fcntl, select, _socket, hashlib, struct, array, statistics
print('version', '%d.%d.%d' % sys.version_info[:3])
print('executable', os.path.realpath(sys.executable))
print('folder', os.path.dirname(os.path.realpath(os.__file__)))
for line in open('/proc/self/maps'):
    path = line.rstrip('\n').split(maxsplit=5)[5:]
    if path and path[0].startswith('/') and ('.so' in path[0]):
        print('folder', os.path.dirname(path[0]))
)python";

bool inside(const std::string& path, const std::string& folder) {
  return path.starts_with(folder + "/");
}

FoundInterpreter ask(const std::string& executable) {
  const Finished finished = run_to_end({executable, "-I", "-S", "-B", "-c", kQuestion}, 20);
  std::istringstream lines(finished.output);
  Interpreter found;
  std::set<std::string> folders;
  std::string kind, value;
  while (lines >> kind && std::getline(lines >> std::ws, value)) {
    if (kind == "too")
      return {{}, fmt::format("{} is Python {}, and 3.9 or newer is needed", executable, value.substr(4))};
    if (kind == "version") found.version = value;
    if (kind == "executable") found.executable = value;
    if (kind == "folder") folders.insert(value);
  }
  if (finished.status != 0 || found.version.empty() || found.executable.empty() || folders.empty())
    return {{},
            fmt::format("{} does not work as an interpreter: it printed \"{}\"", executable,
                        finished.output.substr(0, 300))};
  for (const auto& folder : folders) {
    const bool covered = !found.folders.empty() && inside(folder, found.folders.back());
    if (!covered) found.folders.push_back(folder);
  }
  // Executables name the dynamic loader as /lib64/ld-linux-x86-64.so.2; on a merged system /lib64 is a symlink to
  // usr/lib64.
  for (const char* name : {"/lib", "/lib64"}) {
    std::error_code none;
    const auto target = std::filesystem::read_symlink(name, none);
    if (!none) found.symlinks.emplace_back(target.string(), name);
  }
  std::error_code none;
  const auto loaders = std::filesystem::canonical("/lib64", none);
  if (!none) found.folders.push_back(loaders.string());
  return {std::move(found), ""};
}

}  // namespace

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = folder + "/" + name;
    if (folder.starts_with('/') && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

FoundInterpreter find_interpreter(const std::string& executable) {
  if (!executable.empty()) {
    if (access(executable.c_str(), X_OK) != 0) return {{}, executable + " cannot be executed"};
    return ask(executable);
  }
  std::string why = "python3 is not installed (neither /usr/bin/python3 nor one in PATH)";
  std::set<std::string> tried;
  for (const std::string& candidate : {std::string("/usr/bin/python3"), find_program("python3")}) {
    if (candidate.empty() || access(candidate.c_str(), X_OK) != 0 || !tried.insert(candidate).second) continue;
    FoundInterpreter found = ask(candidate);
    if (found.interpreter) return found;
    why = found.why_not;
  }
  return {{}, why};
}

}  // namespace limbeck::sandbox
