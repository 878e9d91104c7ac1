// A record of what was done when, for Perfetto or chrome://tracing. Spans are recorded only between start_profile() and
// finish_profile(), which `--profile=FILE` calls, and cost one relaxed load otherwise.
//
//   const Span span("optimiser", "train");
//
// A thread writes into a chunk of its own; there is a lock only when it is full. At most kMostProfileEvents are kept
// (48 MiB). When seven eighths are used, spans shorter than a millisecond are left out and counted, so that the
// long ones of a long job are all there.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

namespace limbeck {

namespace profiling {

inline std::atomic<bool> on = false;
int64_t now();  // nanoseconds of a steady clock
void record(const char* name, const char* category, int64_t begin, int64_t end, int64_t amount);

}  // namespace profiling

// `name` and `category` are literals: they are kept as pointers. `amount` is shown with the span where it is not 0.
class Span {
 public:
  explicit Span(const char* name, const char* category = "", int64_t amount = 0)
      : name_(profiling::on.load(std::memory_order_relaxed) ? name : nullptr), category_(category), amount_(amount) {
    if (name_) begin_ = profiling::now();
  }
  ~Span() {
    if (name_) profiling::record(name_, category_, begin_, profiling::now(), amount_);
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

 private:
  const char *name_, *category_;
  int64_t amount_, begin_ = 0;
};

// A span that was over when it was told: it ended now and took `seconds`. It begins after the last one of this thread
// ended, so that spans of a thread never cross.
void record_past_span(const char* name, const char* category, double seconds);

// A value over time: a curve beside the spans.
void record_count(const char* name, double value);

inline constexpr int64_t kMostProfileEvents = int64_t{1} << 20;

// Begins to record for `path`. Throws UserError when the file cannot be there.
void start_profile(const std::filesystem::path& path, int64_t most_events = kMostProfileEvents);
// Writes the file (whole or not at all) as Chrome's trace events, which Perfetto and chrome://tracing read, and ends
// the recording. Nothing where none was started. Spans that are open are not in it.
void finish_profile();

}  // namespace limbeck
