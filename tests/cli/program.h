// Runs the program as a user does and keeps what it says.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/files.h"
#include "base/temporary_folder.h"

namespace limbeck {

struct Outcome {
  int code = -1;  // the exit code; 128 + signal when a signal ended it
  std::string out, error;
};

// Arguments as a shell would hand them over; `input` is the standard input.
inline Outcome run_program(const std::vector<std::string>& args, const std::string& input = "") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "in", input);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const bool ready = ::dup2(::open((folder / "in").c_str(), O_RDONLY), 0) == 0 &&
                       ::dup2(::open((folder / "out").c_str(), O_WRONLY | O_CREAT, 0666), 1) == 1 &&
                       ::dup2(::open((folder / "error").c_str(), O_WRONLY | O_CREAT, 0666), 2) == 2;
    std::vector<char*> argv = {const_cast<char*>(LIMBECK_PROGRAM)};
    for (const auto& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
    argv.push_back(nullptr);
    if (ready) ::execv(LIMBECK_PROGRAM, argv.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = read_file(folder / "out"),
          .error = read_file(folder / "error")};
}

}  // namespace limbeck
