#include "sandbox/process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "base/errors.h"

namespace limbeck::sandbox {
namespace {

// Between fork and exec only async-signal-safe calls are allowed: this process has threads.
[[noreturn]] void become(const Start& start, char* const* arguments, int passed, const int* standard) {
  setsid();
  for (int target = 0; target < 3; ++target)
    if (dup2(standard[target], target) < 0) _exit(126);
  if (passed >= 0 && dup2(passed, 3) < 0) _exit(126);
  syscall(SYS_close_range, passed >= 0 ? 4U : 3U, ~0U, 0U);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  if (start.user != static_cast<uid_t>(-1)) {
    // Raw calls: glibc's wrappers would try to change threads that do not exist in this process.
    const auto id = start.user;
    if (syscall(SYS_setgroups, 0, nullptr) != 0 || syscall(SYS_setresgid, id, id, id) != 0 ||
        syscall(SYS_setresuid, id, id, id) != 0)
      _exit(125);
  }
  char* const empty[] = {nullptr};
  execve(arguments[0], arguments, start.environment ? start.environment : empty);
  _exit(127);
}

// A copy of the descriptor numbered 10 or more, so that dup2 to 0-3 cannot overwrite one that is still needed.
Descriptor copy_above(int number) {
  Descriptor copy(fcntl(number, F_DUPFD_CLOEXEC, 10));
  if (copy.get() < 0) fail("sandbox", "duplicate descriptor {}: {}", number, std::strerror(errno));
  return copy;
}

}  // namespace

void Descriptor::reset(int number) {
  if (number_ >= 0) close(number_);
  number_ = number;
}

pid_t start_process(const Start& start) {
  const Descriptor null(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null.get() < 0) fail("sandbox", "/dev/null: {}", std::strerror(errno));
  std::array<Descriptor, 3> copies;
  std::array<int, 3> standard{};
  for (std::size_t i = 0; const int wanted : {start.input, start.output, start.errors}) {
    copies[i] = copy_above(wanted >= 0 ? wanted : null.get());
    standard[i] = copies[i].get();
    ++i;
  }
  const Descriptor passed = start.passed >= 0 ? copy_above(start.passed) : Descriptor();
  std::vector<char*> arguments;
  for (const auto& word : start.command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) become(start, arguments.data(), passed.get(), standard.data());
  if (pid < 0) fail("sandbox", "fork: {}", std::strerror(errno));
  return pid;
}

int end_process(pid_t pid) {
  kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

Finished run_to_end(const std::vector<std::string>& command, double seconds) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("sandbox", "pipe: {}", std::strerror(errno));
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  const pid_t pid = start_process({.command = command, .output = writing.get(), .errors = writing.get()});
  writing.reset();
  Finished finished;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  bool ended = false;
  std::array<char, 4096> bytes;
  while (!ended && finished.output.size() < 65536) {
    const auto left = deadline - std::chrono::steady_clock::now();
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
    pollfd one{.fd = reading.get(), .events = POLLIN, .revents = 0};
    if (wait <= 0 || (poll(&one, 1, static_cast<int>(wait)) < 0 && errno != EINTR)) break;
    if (one.revents == 0) continue;
    const ssize_t got = read(reading.get(), bytes.data(), bytes.size());
    ended = got == 0;
    if (got > 0) finished.output.append(bytes.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno != EINTR) break;
  }
  if (!ended) {
    finished.status = end_process(pid);
  } else {
    while (waitpid(pid, &finished.status, 0) < 0 && errno == EINTR) {
    }
  }
  return finished;
}

}  // namespace limbeck::sandbox
