#include "sandbox/filter.h"

#include <fcntl.h>
#include <linux/sched.h>    // CLONE_NEWTIME
#include <linux/seccomp.h>  // SECCOMP_IOCTL_NOTIF_RECV
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>

#include "base/errors.h"

namespace limbeck::sandbox {

const uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;

namespace {

// What an interpreter needs to compute, to import its own library and to read its clock. Nothing here reaches another
// process, a network or the kernel's configuration. (tgkill and kill are absent: the supervisor lets a process signal
// itself.)
const char* const kHarmless[] = {
    // memory
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise",
    // open files
    "read", "write", "readv", "writev", "pread64", "pwrite64", "close", "close_range", "lseek", "dup", "dup2", "dup3",
    "pipe", "pipe2", "poll", "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "select", "pselect6", "ftruncate",
    // looking at the file system
    "stat", "fstat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
    "getcwd", "chdir", "fchdir", "getdents", "getdents64", "umask",
    // time
    "clock_gettime", "clock_getres", "gettimeofday", "time", "times", "nanosleep", "clock_nanosleep", "alarm",
    "setitimer", "getitimer", "pause", "restart_syscall",
    // own signals, locks, scheduling
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait", "rt_sigsuspend",
    "sigaltstack", "futex", "set_robust_list", "set_tid_address", "rseq", "sched_yield", "sched_getaffinity", "getcpu",
    "getpriority",
    // who and where am I
    "getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getpgrp", "getpgid",
    "getsid", "uname", "sysinfo", "getrusage", "getrlimit", "getrandom", "wait4", "waitid", "exit", "exit_group",
    // passes the listener of the filter to the supervisor; there is no other socket to send on
    "sendmsg"};

const char* const kFilesOfItsOwn[] = {"unlink", "unlinkat", "rename", "renameat", "fsync", "fdatasync"};

// What the supervisor needs besides: to start, limit, watch and end programs.
const char* const kSupervision[] = {"execve",    "fork",   "vfork",       "kill",       "setrlimit",
                                    "prlimit64", "prctl",  "seccomp",     "pidfd_open", "recvmsg",
                                    "recvfrom",  "sendto", "getsockname", "getsockopt", "arch_prctl"};

constexpr scmp_datum_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
constexpr scmp_datum_t kFcntlCommands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL};
constexpr scmp_datum_t kIoctlRequests[] = {TCGETS, TIOCGWINSZ, FIOCLEX, FIONCLEX, FIONBIO, FIONREAD};

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_NOTIFY), seccomp_release) {
    if (!context_) fail("sandbox", "libseccomp cannot make a filter with user notifications");
    // Level 2: a binary tree of call numbers; the kernel walks the filter for every call number when it is loaded.
    check(seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimise");
  }

  template <class... Conditions>
  void allow(const char* call, Conditions... conditions) {
    add(SCMP_ACT_ALLOW, call, conditions...);
  }
  template <class... Conditions>
  void add(uint32_t action, const char* call, Conditions... conditions) {
    const int number = seccomp_syscall_resolve_name(call);
    if (number < 0) return;  // this processor has no such call (arm64 has no "open")
    check(seccomp_rule_add(context_.get(), action, number, sizeof...(conditions), conditions...), call);
  }

  std::vector<uint8_t> bytes() const {
    const int descriptor = memfd_create("filter", MFD_CLOEXEC);
    if (descriptor < 0) fail("sandbox", "memfd_create: {}", std::strerror(errno));
    const int exported = seccomp_export_bpf(context_.get(), descriptor);
    std::vector<uint8_t> bytes(static_cast<std::size_t>(lseek(descriptor, 0, SEEK_END)));
    const ssize_t got = pread(descriptor, bytes.data(), bytes.size(), 0);
    close(descriptor);
    check(exported, "export");
    if (got != static_cast<ssize_t>(bytes.size()) || bytes.empty() || bytes.size() % 8 != 0)
      fail("sandbox", "the exported filter has {} bytes, of which {} could be read", bytes.size(), got);
    return bytes;
  }

 private:
  static void check(int result, const char* what) {
    if (result < 0) fail("sandbox", "libseccomp, {}: {}", what, std::strerror(-result));
  }
  std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

void allow_harmless(Filter& filter) {
  for (const char* call : kHarmless) filter.allow(call);
  for (const auto command : kFcntlCommands) filter.allow("fcntl", SCMP_A1(SCMP_CMP_EQ, command));
  for (const auto request : kIoctlRequests) filter.allow("ioctl", SCMP_A1(SCMP_CMP_EQ, request));
}

void allow_files(Filter& filter) {
  for (const char* call : kFilesOfItsOwn) filter.allow(call);
  filter.allow("open");
  filter.allow("openat");
}

void allow_opening_without(Filter& filter, scmp_datum_t flags) {
  filter.allow("open", SCMP_A1(SCMP_CMP_MASKED_EQ, flags, 0));
  filter.allow("openat", SCMP_A2(SCMP_CMP_MASKED_EQ, flags, 0));
}

}  // namespace

std::vector<uint8_t> supervisor_filter() {
  Filter filter;
  allow_harmless(filter);
  allow_files(filter);
  for (const char* call : kSupervision) filter.allow(call);
  filter.allow("socketpair", SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
  for (const auto request : {SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND})
    filter.allow("ioctl", SCMP_A1(SCMP_CMP_EQ, request));
  filter.allow("clone", SCMP_A0(SCMP_CMP_MASKED_EQ, kNewNamespaces, 0));
  filter.add(SCMP_ACT_ERRNO(ENOSYS), "clone3");  // its flags are behind a pointer; glibc falls back to clone
  return filter.bytes();
}

std::vector<uint8_t> program_filter(const Limits& limits) {
  Filter filter;
  allow_harmless(filter);
  filter.allow("prlimit64", SCMP_A2(SCMP_CMP_EQ, 0));  // getrlimit: reads, sets nothing
  if (limits.file_bytes > 0)
    for (const char* call : kFilesOfItsOwn) filter.allow(call);
  // For making a file the supervisor is asked, who counts: an empty one costs no page of the folder, no address space.
  allow_opening_without(filter, limits.file_bytes > 0 ? scmp_datum_t{O_CREAT} : kWriting);
  return filter.bytes();
}

std::string name_of_call(int number) {
  const std::unique_ptr<char, decltype(&std::free)> name(seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number),
                                                         std::free);
  return name ? std::string(name.get()) : fmt::format("call {}", number);
}

std::string missing_filter_support() {
  std::ifstream file("/proc/sys/kernel/seccomp/actions_avail");
  const std::string actions((std::istreambuf_iterator<char>(file)), {});
  if (actions.empty()) return "the kernel has no system-call filters (CONFIG_SECCOMP_FILTER)";
  if (actions.find("user_notif") == std::string::npos)
    return "the kernel's system-call filters have no user notifications (Linux 5.5 or newer has them)";
  return "";
}

}  // namespace limbeck::sandbox
