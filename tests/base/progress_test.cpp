#include "base/progress.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace limbeck {
namespace {

std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(fd, buffer, sizeof(buffer))) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  return text;  // a terminal ends with EIO when its last writer is gone
}

// What f writes to the standard error when that is a pipe.
template <class F>
std::string through_a_pipe(F&& f) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    f();
    ::_exit(0);
  }
  ::close(ends[1]);
  const std::string text = read_all(ends[0]);
  ::close(ends[0]);
  ::waitpid(pid, nullptr, 0);
  return text;
}

// The same when it is a terminal of the given width.
template <class F>
std::string through_a_terminal(int width, F&& f) {
  winsize size = {};
  size.ws_col = static_cast<unsigned short>(width), size.ws_row = 24;
  int terminal = -1;
  const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (pid == 0) {
    ::setenv("TERM", "xterm", 1);
    f();
    ::_exit(0);
  }
  if (pid < 0) return "no terminal";
  const std::string text = read_all(terminal);
  ::close(terminal);
  ::waitpid(pid, nullptr, 0);
  return text;
}

void wait_a_little() {
  std::this_thread::sleep_for(std::chrono::milliseconds(120));
}

TEST(Progress, WritesOnePlainLineForShortWorkElsewhereThanOnATerminal) {
  const std::string text = through_a_pipe([] {
    Progress progress("training", "steps", 40);
    for (int i = 1; i <= 40; ++i) progress.set(i, "loss 1.5");
    wait_a_little();
    progress.finish();
  });
  EXPECT_EQ(text.substr(0, 29), "training: 100 % 40/40 steps, ") << text;
  EXPECT_NE(text.find("loss 1.5\n"), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Progress, DrawsABarWithRateAndTimeLeftOnATerminal) {
  const std::string text = through_a_terminal(100, [] {
    Progress progress("sampling", "samples", 100);
    wait_a_little();
    progress.set(50);
    progress.finish("kept 3");
  });
  EXPECT_NE(text.find("50/100 samples, "), std::string::npos) << text;
  EXPECT_NE(text.find("samples/s, "), std::string::npos);
  EXPECT_NE(text.find(" left"), std::string::npos);
  EXPECT_NE(text.find("▕███"), std::string::npos);
  EXPECT_NE(text.find("kept 3"), std::string::npos);
  EXPECT_EQ(text.substr(text.size() - 2), "\r\n");
}

TEST(Progress, NeverDrawsBeyondANarrowTerminal) {
  const std::string text = through_a_terminal(40, [] {
    Progress progress("a long label of what is done", "problems", 1000000);
    wait_a_little();
    progress.set(123456, "a long note that does not fit either");
  });
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\r', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    if (const auto erase = line.find("\x1b["); erase != std::string::npos) line.erase(erase, 3);
    std::size_t columns = 0;
    for (const unsigned char c : line) columns += (c & 0xc0) != 0x80 && c >= 0x20;
    EXPECT_LE(columns, 40u) << line;
    begin = end + 1;
  }
}

TEST(Progress, CountsTheRateFromWhereThisProcessBegan) {
  const std::string text = through_a_pipe([] {
    Progress progress("training", "steps", 1000, 990);
    wait_a_little();
    progress.set(1000);
    progress.finish();
  });
  const auto comma = text.find(", ");
  ASSERT_NE(comma, std::string::npos);
  EXPECT_LT(std::stod(text.substr(comma + 2)), 200) << text;  // 10 in 0.12 s, not 1000
}

TEST(Progress, IsSilentWhenToldSo) {
  EXPECT_EQ(through_a_pipe([] {
              Progress::be_quiet(true);
              Progress progress("x", "y", 3);
              progress.set(2);
              progress.finish();
            }),
            "");
}

TEST(Progress, ShowsCountsWhenTheTotalIsNotKnown) {
  const std::string text = through_a_pipe([] {
    Progress progress("reading", "lines", 0);
    progress.set(7);
    progress.finish();
  });
  EXPECT_EQ(text.substr(0, 17), "reading: 7 lines,") << text;
  EXPECT_EQ(text.find('%'), std::string::npos);
}

}  // namespace
}  // namespace limbeck
