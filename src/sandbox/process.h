// Starts a program with three descriptors of ours and nothing else.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace limbeck::sandbox {

// Closes its descriptor when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    reset(std::exchange(other.number_, -1));
    return *this;
  }
  int get() const { return number_; }
  void reset(int number = -1);

 private:
  int number_;
};

struct Start {
  std::vector<std::string> command;
  int input = -1, output = -1, errors = -1;  // become descriptors 0, 1, 2; -1: /dev/null
  int passed = -1;                           // becomes descriptor 3, when given
  char* const* environment = nullptr;        // none: an empty one
  uid_t user = static_cast<uid_t>(-1);       // become this user first (needs root), with no groups; -1: stay
};

// The process's id, in a session of its own: a Ctrl-C at the terminal is for us alone. Throws Error.
pid_t start_process(const Start& start);

// Ends it if it runs still and collects it; returns its wait status.
int end_process(pid_t pid);

struct Finished {
  int status = 0;
  std::string output;  // of stdout and stderr together, at most 64 KiB
};
// Runs to the end, or to `seconds` and is then killed; with an empty environment, so that ours (LD_PRELOAD, ...)
// decides nothing about what it says.
Finished run_to_end(const std::vector<std::string>& command, double seconds);

}  // namespace limbeck::sandbox
