// A process that is killed at a moment that neither a clock nor a scheduler decides, for tests of what goes on after
// it.
#pragma once

#include <ATen/record_function.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <system_error>

#include "base/files.h"

namespace limbeck::recipes {

// How often a log has a step; its last line may not be whole.
inline std::size_t steps_in(const std::filesystem::path& log) {
  const std::string rows = std::filesystem::exists(log) ? read_file(log) : "", step = "\"kind\":\"step\"";
  std::size_t steps = 0;
  for (std::size_t at = rows.find(step); at != std::string::npos; at = rows.find(step, at + 1)) ++steps;
  return steps;
}

// Does the work in a process of its own that kills itself when the log has so many steps, which it looks at before each
// operation of LibTorch: some step later at the latest. Whether it was killed; not, where the work was done before or
// threw.
inline bool is_killed_after(std::size_t steps, const std::filesystem::path& log, const std::function<void()>& work) {
  static std::function<bool()> is_time;
  is_time = [steps, log, size = std::uintmax_t{0}]() mutable {
    std::error_code none;
    const std::uintmax_t now = std::filesystem::file_size(log, none);
    if (none || now == size) return false;
    size = now;
    return steps_in(log) >= steps;
  };
  const pid_t child = ::fork();
  if (child == 0) {
    at::addGlobalCallback(
        at::RecordFunctionCallback([](const at::RecordFunction&) -> std::unique_ptr<at::ObserverContext> {
          if (is_time()) ::kill(::getpid(), SIGKILL);
          return nullptr;
        }));
    try {
      if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(2);
      work();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status);
}

}  // namespace limbeck::recipes
