// System-call filters (seccomp BPF) in two layers, both lists of what is allowed.
//
// The outer filter is loaded by bubblewrap and holds for the supervisor and all it forks. The inner one is loaded by
// every forked program before its first line runs. What a filter does not allow is a "user notification": the kernel
// asks the supervisor, which ends the program and reports the call's name; where nobody listens (the supervisor itself)
// the call fails with ENOSYS. Both filters must use that action: a stricter outer action would hide the call's name
// from us.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sandbox/judge.h"

namespace limbeck::sandbox {

// Classic BPF as seccomp(2) and `bwrap --seccomp` take it: 8 bytes an instruction.
// A program that may write (Limits::file_bytes > 0) opens files for writing in its folder, the only writable one.
std::vector<uint8_t> supervisor_filter();
std::vector<uint8_t> program_filter(const Limits& limits);

// Flags of clone(2) that no program may use, whatever number of processes it has.
extern const uint64_t kNewNamespaces;

// "socket" for 41 on x86-64; "call 9999" when the number is unknown.
std::string name_of_call(int number);

// Empty when the kernel can do what the filters need, else what it lacks.
std::string missing_filter_support();

}  // namespace limbeck::sandbox
