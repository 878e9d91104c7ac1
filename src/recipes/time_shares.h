// Where a run's time went, from its log: the coarse phases (base/phases.h) of every process that worked on it.
#pragma once

#include <string>

#include "base/run.h"

namespace limbeck::recipes {

// Writes the phases of this process up to now into the run's log; the last such row of a process is what counts.
void log_time(const Run& run);

// Does so when it goes, however that comes about. (What a killed process did since its last row is not known.) Whoever
// runs a method has one; who writes a report logs the time before.
class TimeLog {
 public:
  explicit TimeLog(const Run& run) : run_(run) {}
  ~TimeLog();
  TimeLog(const TimeLog&) = delete;
  TimeLog& operator=(const TimeLog&) = delete;

 private:
  const Run& run_;
};

// Bars of the outer phases and a table of the inner ones; "" where the log has none.
std::string time_shares_html(const std::filesystem::path& log);

}  // namespace limbeck::recipes
