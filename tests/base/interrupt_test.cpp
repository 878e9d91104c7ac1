#include "base/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"

namespace limbeck {
namespace {

// Signals are tried in a child of their own: the flag cannot be taken back.
template <class F>
int status_of_child(F&& f) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(f());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

TEST(Interrupt, IsAFlagUntilItIsLookedAt) {
  const int status = status_of_child([] {
    catch_interrupts();
    if (interrupted() != 0) return 1;
    throw_if_interrupted("never");
    ::raise(SIGTERM);
    try {
      throw_if_interrupted("run the same command again");
    } catch (const Interrupted& e) {
      return e.signal() == SIGTERM && std::string(e.what()) == "run the same command again" ? 42 : 2;
    }
    return 3;
  });
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST(Interrupt, EndsTheProcessTheSecondTime) {
  const int status = status_of_child([] {
    catch_interrupts();
    ::raise(SIGINT);
    ::raise(SIGINT);
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGINT);
}

TEST(Interrupt, TurnsAClosedPipeIntoAnError) {
  const int status = status_of_child([] {
    catch_interrupts();
    int ends[2];
    if (::pipe(ends) != 0) return 1;
    ::close(ends[0]);
    return ::write(ends[1], "x", 1) < 0 && errno == EPIPE ? 42 : 2;
  });
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

}  // namespace
}  // namespace limbeck
