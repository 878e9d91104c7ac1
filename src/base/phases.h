// The coarse parts of a job (sampling, training, judging), counted always: where a run's time went, as its report
// shows. A phase is a span of base/profile.h as well.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace limbeck {

// Counts the time from here to its end under `name` (a literal), within the phases that are open on this thread.
class Phase {
 public:
  explicit Phase(const char* name, const char* category = "phase");
  ~Phase();
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;

 private:
  struct PhaseNode* before_;
  const char *name_, *category_;
  int64_t begin_;
};

struct PhaseTime {
  std::string name;    // "train > forward"
  double seconds = 0;  // its own and those of the phases within it
  int depth = 0;
  bool beside = false;  // on another thread than the program's first: at the same time as the rest
};
// In the order in which they first began, outer before inner; those that are open count up to now.
std::vector<PhaseTime> phase_times();
double process_seconds();  // since the program started
void forget_phases();      // for tests; none may be open

}  // namespace limbeck
