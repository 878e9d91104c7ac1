#include "sandbox/filter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <sys/syscall.h>

#include <cstring>

#include "sandbox/open_judge.h"

namespace limbeck::sandbox {
namespace {

using ForbiddenCall = WithJudge;

std::size_t instructions(const std::vector<uint8_t>& filter) {
  return filter.size() / sizeof(sock_filter);
}

TEST(Filters, AreProgramsThatTheKernelTakes) {
  for (const auto& filter : {supervisor_filter(), program_filter({}), program_filter({.file_bytes = 0})}) {
    EXPECT_EQ(filter.size() % sizeof(sock_filter), 0U);
    EXPECT_GT(instructions(filter), 50U);
    EXPECT_LE(instructions(filter), static_cast<std::size_t>(BPF_MAXINSNS));
    sock_filter first{};
    std::memcpy(&first, filter.data(), sizeof first);
    EXPECT_EQ(first.code, BPF_LD | BPF_W | BPF_ABS);  // loads the architecture before anything else
    EXPECT_EQ(first.k, 4U);
  }
}

TEST(NameOfCall, KnowsTheProcessorsNumbers) {
  EXPECT_EQ(name_of_call(SYS_socket), "socket");
  EXPECT_EQ(name_of_call(99999), "call 99999");
}

TEST_F(ForbiddenCall, EndsTheProgramAndIsNamed) {
  // Everything that could reach another process, the network, the kernel's configuration or a later program.
  const char* const calls[] = {"socket",
                               "socketpair",
                               "connect",
                               "bind",
                               "accept4",
                               "sendto",
                               "ptrace",
                               "process_vm_readv",
                               "process_vm_writev",
                               "pidfd_open",
                               "pidfd_getfd",
                               "pidfd_send_signal",
                               "mount",
                               "umount2",
                               "pivot_root",
                               "chroot",
                               "unshare",
                               "setns",
                               "clone",
                               "execve",
                               "execveat",
                               "bpf",
                               "perf_event_open",
                               "userfaultfd",
                               "io_uring_setup",
                               "keyctl",
                               "add_key",
                               "request_key",
                               "memfd_create",
                               "shmget",
                               "msgget",
                               "semget",
                               "mq_open",
                               "prctl",
                               "seccomp",
                               "setuid",
                               "setgid",
                               "setsid",
                               "setpgid",
                               "setpriority",
                               "sched_setaffinity",
                               "sched_setscheduler",
                               "setrlimit",
                               "personality",
                               "mkdir",
                               "mkdirat",
                               "symlink",
                               "symlinkat",
                               "link",
                               "linkat",
                               "mknod",
                               "mknodat",
                               "chmod",
                               "fchmodat",
                               "chown",
                               "fchownat",
                               "utimensat",
                               "setxattr",
                               "truncate",
                               "inotify_init1",
                               "eventfd2",
                               "timer_create",
                               "open_by_handle_at",
                               "openat2",
                               "init_module",
                               "kexec_load",
                               "reboot",
                               "swapon",
                               "sethostname",
                               "acct",
                               "iopl",
                               "syslog",
                               "quotactl",
                               "landlock_create_ruleset",
                               "fsopen",
                               "move_mount",
                               "mlockall",
                               "modify_ldt",
                               "vmsplice",
                               "splice",
                               "tee"};
  std::vector<std::string> names;
  std::vector<Program> programs;
  for (const char* call : calls) {
    const int number = seccomp_syscall_resolve_name(call);
    if (number < 0) continue;  // not a call of this processor
    names.emplace_back(call);
    programs.push_back({.source = fmt::format("import ctypes\n"
                                              "try:\n"
                                              "  ctypes.CDLL(None).syscall({}, 0, 0, 0, 0, 0, 0)\n"
                                              "except BaseException:\n"
                                              "  pass\n"
                                              "answer = 1",
                                              number)});
  }
  const auto verdicts = judge_->judge(programs);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(verdicts[i].outcome, Outcome::kForbiddenCall) << names[i];
    EXPECT_EQ(verdicts[i].detail, names[i]);
  }
}

TEST_F(ForbiddenCall, IncludesSignalsToAnyoneElse) {
  EXPECT_EQ(said("import os\nos.kill(1, 9)\nanswer = 1"), "forbidden_call kill");
  EXPECT_EQ(said("import os\nos.kill(os.getppid(), 0)\nanswer = 1"), "forbidden_call kill");
  EXPECT_EQ(said("import os\nos.kill(-1, 9)\nanswer = 1"), "forbidden_call kill");
  EXPECT_EQ(said("import os\nos.kill(0, 9)\nanswer = 1"), "forbidden_call kill");
}

TEST_F(ForbiddenCall, LooksAtTheArgumentsOfCallsThatAreHarmlessOtherwise) {
  EXPECT_EQ(said("import fcntl\nfcntl.fcntl(1, fcntl.F_SETOWN, 1)\nanswer = 1"), "forbidden_call fcntl");
  EXPECT_EQ(said("import fcntl, termios\nfcntl.ioctl(0, termios.TIOCSTI, b'x')\nanswer = 1"), "forbidden_call ioctl");
  EXPECT_EQ(said("import resource as r\nr.setrlimit(r.RLIMIT_CORE, (0, 0))\nanswer = 1"), "forbidden_call prlimit64");
  EXPECT_EQ(said("import resource as r\nanswer = r.getrlimit(r.RLIMIT_CORE)[0]"), "passed");
}

TEST_F(ForbiddenCall, CannotBeReachedThroughAnotherCallTable) {
#ifdef __x86_64__
  // socketcall by int 0x80, and getpid with the x32 bit: the filter's architecture check ends both.
  EXPECT_EQ(said("import ctypes, mmap\n"
                 "m = mmap.mmap(-1, 4096, prot=7)\n"
                 "m.write(bytes.fromhex('b866000000cd80c3'))\n"
                 "ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))()\n"
                 "answer = 1"),
            "killed SIGSYS");
  const Verdict x32 = verdict("import ctypes\nctypes.CDLL(None).syscall(0x40000000 + 41, 1, 1, 0)\nanswer = 1");
  EXPECT_TRUE(x32.outcome == Outcome::kForbiddenCall || x32.outcome == Outcome::kKilled) << x32.detail;
#else
  GTEST_SKIP() << "this processor has one table of calls";
#endif
}

TEST(MissingFilterSupport, FindsNothingMissingWhereTheJudgeOpens) {
  if (const std::string lacks = isolation_lacks(); !lacks.empty()) GTEST_SKIP() << lacks;
  EXPECT_EQ(missing_filter_support(), "");
}

}  // namespace
}  // namespace limbeck::sandbox
