// What keeps this machine from isolating any program at all, found without a line of our own: tests of programs skip
// for that alone. Where it is empty and the judge still does not open, the fault is ours and the test fails.
#pragma once

#include <cstdio>
#include <string>

namespace limbeck::sandbox {

// What a shell script prints.
inline std::string printed_by(const std::string& script) {
  std::string text;
  FILE* output = ::popen(("exec 2>&1\n" + script).c_str(), "r");
  if (output == nullptr) return "no shell can be started";
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) text += static_cast<char>(c);
  ::pclose(output);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

inline std::string python_lacks() {
  return printed_by(
      "for python in /usr/bin/python3 python3; do\n"
      "  $python -c 'import sys; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1 && exit\n"
      "done\n"
      "echo there is no Python 3.9 or newer here\n");
}

// The namespaces that are needed, in bubblewrap's plainest use, and the kernel's filters.
inline std::string isolation_lacks() {
  if (const std::string why = python_lacks(); !why.empty()) return why;
  return printed_by(
      "if ! command -v bwrap >/dev/null; then echo bubblewrap is not installed; exit; fi\n"
      "if ! grep -q user_notif /proc/sys/kernel/seccomp/actions_avail; then\n"
      "  echo the kernel has no system-call filters with user notifications\n"
      "  exit\n"
      "fi\n"
      "said=$(bwrap --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --ro-bind / / "
      "/bin/true 2>&1) || echo \"bubblewrap does not work here: $said\"\n");
}

}  // namespace limbeck::sandbox
