#include "sandbox/isolation.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/errors.h"
#include "sandbox/filter.h"
#include "sandbox/supervisor.h"

namespace limbeck::sandbox {
namespace {

// A kernel setting's text without its newline; empty when this kernel has no such setting.
std::string setting(const std::string& name) {
  std::ifstream file("/proc/sys/" + name);
  std::string value;
  std::getline(file, value);
  return value;
}

void append(std::vector<std::string>& words, std::initializer_list<std::string> more) {
  words.insert(words.end(), more);
}

}  // namespace

Isolation plan_isolation(const Limits& limits, const std::string& python) {
  Isolation isolation{.limits = limits, .as_nobody = geteuid() == 0};
  std::vector<std::string> missing;
  isolation.bubblewrap = find_program("bwrap");
  if (isolation.bubblewrap.empty()) missing.push_back("bubblewrap is not installed (apt-get install bubblewrap)");
  FoundInterpreter found = find_interpreter(python);
  if (!found.interpreter) missing.push_back(found.why_not);
  if (const std::string lacks = missing_filter_support(); !lacks.empty()) missing.push_back(lacks);
  if (!missing.empty())
    user_fail("sandbox", "programs are judged in isolation only, and it cannot be set up: {}",
              fmt::join(missing, "; "));
  isolation.interpreter = std::move(*found.interpreter);
  return isolation;
}

std::vector<std::string> command_of(const Isolation& isolation) {
  std::vector<std::string> words = {isolation.bubblewrap};
  append(words, {"--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
                 "--unshare-cgroup-try"});
  append(words, {"--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"});
  append(words, {"--uid", "65534", "--gid", "65534", "--hostname", "limbeck"});
  // The same hash seed for every program: a verdict must not depend on the order in which a set is walked.
  append(words, {"--clearenv", "--setenv", "PYTHONHASHSEED", "0", "--setenv", "PYTHONUTF8", "1"});
  // Symbols are bound once, when the interpreter starts, and not in each program anew.
  append(words, {"--setenv", "LD_BIND_NOW", "1"});
  for (const auto& folder : isolation.interpreter.folders) append(words, {"--ro-bind", folder, folder});
  append(words, {"--ro-bind", isolation.interpreter.executable, isolation.interpreter.executable});
  for (const auto& [target, path] : isolation.interpreter.symlinks) append(words, {"--symlink", target, path});
  // tmpfs counts whole pages, and the folder itself is none.
  const int64_t folder_bytes = std::max<int64_t>(isolation.limits.file_bytes, 4096);
  append(words, {"--size", std::to_string(folder_bytes), "--tmpfs", "/tmp", "--chdir", "/tmp"});
  if (isolation.limits.file_bytes == 0) append(words, {"--remount-ro", "/tmp"});
  append(words, {"--remount-ro", "/", "--seccomp", "3", "--"});
  // Not -I: it would ignore the hash seed. The environment is ours, and the supervisor drops the current folder from
  // sys.path.
  append(words, {isolation.interpreter.executable, "-s", "-S", "-B", "-c", kSupervisor});
  for (auto& word : supervisor_arguments(isolation.limits)) words.push_back(std::move(word));
  return words;
}

std::string advice_on(const std::string& complaint) {
  if (setting("kernel/unprivileged_userns_clone") == "0")
    return "unprivileged user namespaces are switched off: sudo sysctl kernel.unprivileged_userns_clone=1";
  if (setting("user/max_user_namespaces") == "0")
    return "user namespaces are switched off: sudo sysctl user.max_user_namespaces=10000";
  if (setting("kernel/apparmor_restrict_unprivileged_userns") == "1")
    return "AppArmor keeps user namespaces from programs without a profile (Ubuntu 23.10 and newer): give bwrap a "
           "profile that "
           "allows userns (the package apparmor-profiles has bwrap-userns-restrict), or sudo sysctl "
           "kernel.apparmor_restrict_unprivileged_userns=0";
  if (complaint.find("namespace") != std::string::npos || complaint.find("uid map") != std::string::npos ||
      complaint.find("not permitted") != std::string::npos || complaint.find("ermission denied") != std::string::npos)
    return "user namespaces are not allowed here; inside a container they must be let through by its runtime (Docker: "
           "--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt "
           "systempaths=unconfined)";
  return "";
}

}  // namespace limbeck::sandbox
