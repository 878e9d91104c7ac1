// Errors that end the run, with a chain of context. Messages read "[where] expected X but received Y".
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace limbeck {

// What ends the run (exit code 1): a broken file, a failed system call, a program's own fault.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The user's mistake (exit code 2): an unknown option, a missing file, data that cannot be used as asked.
class UserError : public Error {
 public:
  using Error::Error;
};

// Several mistakes of the user, reported at once, one a line.
class UserErrors : public UserError {
 public:
  explicit UserErrors(std::vector<std::string> mistakes);
  const std::vector<std::string>& mistakes() const { return mistakes_; }

 private:
  std::vector<std::string> mistakes_;
};

// Ctrl-C or SIGTERM; thrown at a point where everything is saved (exit code 128 + signal).
class Interrupted : public Error {
 public:
  Interrupted(int signal, const std::string& how_to_go_on);
  int signal() const { return signal_; }

 private:
  int signal_;
};

template <class... Args>
[[noreturn]] void fail(std::string_view where, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format("[{}] {}", where, fmt::format(format, std::forward<Args>(args)...)));
}

template <class... Args>
[[noreturn]] void user_fail(std::string_view where, fmt::format_string<Args...> format, Args&&... args) {
  throw UserError(fmt::format("[{}] {}", where, fmt::format(format, std::forward<Args>(args)...)));
}

namespace errors_detail {
[[noreturn]] void rethrow_with_context(std::string_view context);
}

// Runs f(); an error that leaves it is prefixed with "context: " and keeps its type (UserError stays UserError).
template <class F>
decltype(auto) in_context(std::string_view context, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception&) {
    errors_detail::rethrow_with_context(context);
  }
}

}  // namespace limbeck
