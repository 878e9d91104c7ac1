#include "base/phases.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <mutex>

#include "base/profile.h"

namespace limbeck {

struct PhaseNode {
  const char* name = "";
  PhaseNode* outer = nullptr;
  int64_t nanoseconds = 0, open_since = 0;  // 0: not open
  int num_open = 0;                         // on several threads at once only beside the first
  std::vector<std::unique_ptr<PhaseNode>> inner = {};
};

namespace {

struct PhaseTree {
  std::mutex mutex;
  PhaseNode first, beside;  // phases of the program's first thread, and those of all others
};

PhaseTree& phase_tree() {
  static PhaseTree* const tree = new PhaseTree;  // outlives the threads
  return *tree;
}

bool is_first_thread() {
  static thread_local const bool first = ::gettid() == ::getpid();
  return first;
}

thread_local PhaseNode* innermost = nullptr;
const int64_t kStarted = profiling::now();

PhaseNode* inner_named(PhaseNode& outer, const char* name) {
  for (const auto& node : outer.inner)
    if (node->name == name || std::strcmp(node->name, name) == 0) return node.get();
  outer.inner.push_back(std::make_unique<PhaseNode>(PhaseNode{.name = name, .outer = &outer}));
  return outer.inner.back().get();
}

void add_times(const PhaseNode& node, const std::string& before, int depth, bool beside,
               std::vector<PhaseTime>& times) {
  for (const auto& inner : node.inner) {
    const int64_t open = inner->num_open > 0 ? profiling::now() - inner->open_since : 0;
    times.push_back({.name = before + inner->name,
                     .seconds = static_cast<double>(inner->nanoseconds + open) / 1e9,
                     .depth = depth,
                     .beside = beside});
    add_times(*inner, times.back().name + " > ", depth + 1, beside, times);
  }
}

}  // namespace

Phase::Phase(const char* name, const char* category)
    : before_(innermost), name_(name), category_(category), begin_(profiling::now()) {
  PhaseTree& tree = phase_tree();
  const std::lock_guard lock(tree.mutex);
  innermost = inner_named(before_ ? *before_ : is_first_thread() ? tree.first : tree.beside, name);
  if (innermost->num_open++ == 0) innermost->open_since = begin_;
}

Phase::~Phase() {
  const int64_t end = profiling::now();
  if (profiling::on.load(std::memory_order_relaxed)) profiling::record(name_, category_, begin_, end, 0);
  const std::lock_guard lock(phase_tree().mutex);
  if (--innermost->num_open == 0) innermost->nanoseconds += end - innermost->open_since;
  innermost = before_;
}

std::vector<PhaseTime> phase_times() {
  PhaseTree& tree = phase_tree();
  const std::lock_guard lock(tree.mutex);
  std::vector<PhaseTime> times;
  add_times(tree.first, "", 0, false, times);
  add_times(tree.beside, "", 0, true, times);
  return times;
}

double process_seconds() {
  return static_cast<double>(profiling::now() - kStarted) / 1e9;
}

void forget_phases() {
  const std::lock_guard lock(phase_tree().mutex);
  phase_tree().first.inner.clear();
  phase_tree().beside.inner.clear();
}

}  // namespace limbeck
