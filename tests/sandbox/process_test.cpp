#include "sandbox/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/errors.h"

namespace limbeck::sandbox {
namespace {

TEST(RunToEnd, GivesTheOutputOfBothStreamsAndTheStatus) {
  const Finished finished = run_to_end({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, 10);
  EXPECT_EQ(finished.output, "out\nerr\n");
  EXPECT_TRUE(WIFEXITED(finished.status));
  EXPECT_EQ(WEXITSTATUS(finished.status), 3);
}

TEST(RunToEnd, KillsWhatTakesTooLong) {
  const Finished finished = run_to_end({"/bin/sh", "-c", "exec sleep 60"}, 0.2);
  EXPECT_TRUE(WIFSIGNALED(finished.status)) << "it did not end by itself";
}

TEST(RunToEnd, ReportsAProgramThatIsNotThereAsStatus127) {
  EXPECT_EQ(WEXITSTATUS(run_to_end({"/no/such/program"}, 10).status), 127);
}

TEST(RunToEnd, TakesAtMost64KibOfOutput) {
  EXPECT_LT(run_to_end({"/bin/sh", "-c", "yes"}, 10).output.size(), 80000U);
}

TEST(StartProcess, PassesOnNoDescriptorButTheNamedOnes) {
  const int open_here = open("/dev/null", O_RDONLY);  // without CLOEXEC
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  const pid_t pid = start_process({.command = {"/bin/ls", "/proc/self/fd"}, .output = writing.get()});
  writing.reset();
  std::string listed(1000, '\0');
  int status = 0;
  waitpid(pid, &status, 0);
  listed.resize(static_cast<std::size_t>(std::max<ssize_t>(0, read(reading.get(), listed.data(), listed.size()))));
  close(open_here);
  EXPECT_EQ(listed, "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST(StartProcess, GivesAnEmptyEnvironmentUnlessOneIsNamed) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  const pid_t pid = start_process({.command = {"/usr/bin/env"}, .output = writing.get()});
  writing.reset();
  int status = 0;
  waitpid(pid, &status, 0);
  char byte;
  EXPECT_EQ(read(reading.get(), &byte, 1), 0);
}

TEST(StartProcess, BecomesAnotherUserBeforeTheProgramStarts) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  const pid_t pid = start_process({.command = {"/usr/bin/id"}, .output = writing.get(), .user = 65534});
  writing.reset();
  std::string said(1000, '\0');
  int status = 0;
  waitpid(pid, &status, 0);
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(0, read(reading.get(), said.data(), said.size()))));
  EXPECT_TRUE(said.starts_with("uid=65534")) << said;
  EXPECT_EQ(said.find("root"), std::string::npos) << said;
}

TEST(EndProcess, CollectsTheProcess) {
  const pid_t pid = start_process({.command = {"/bin/sleep", "60"}});
  const int status = end_process(pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(waitpid(pid, nullptr, WNOHANG), -1);
}

TEST(Descriptor, ClosesOnceAndMoves) {
  const int number = open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    Descriptor first(number);
    const Descriptor second(std::move(first));
    EXPECT_EQ(second.get(), number);
    EXPECT_GE(fcntl(number, F_GETFD), 0);
  }
  EXPECT_EQ(fcntl(number, F_GETFD), -1);
}

}  // namespace
}  // namespace limbeck::sandbox
