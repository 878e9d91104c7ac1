#include "base/profile.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>  // std::isfinite
#include <cstdio>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"

namespace limbeck {
namespace {

enum class EventKind : uint8_t { kSpan, kCount };

struct ProfileEvent {
  const char *name, *category;
  int64_t begin, duration;  // nanoseconds
  int64_t amount;           // of a count: the bits of its double
  uint32_t thread;
  EventKind kind;
};

constexpr std::size_t kEventsAChunk = 4096;
constexpr int64_t kShort = 1'000'000;  // nanoseconds

struct ProfileChunk {
  std::array<ProfileEvent, kEventsAChunk> events;
  std::atomic<std::size_t> size = 0;  // written by the one thread that has the chunk
};

// The recording. Chunks are never freed, so a thread that still writes while the file is made harms nothing.
struct Recording {
  std::mutex mutex;  // guards what follows
  std::filesystem::path path;
  std::vector<std::unique_ptr<ProfileChunk>> chunks;
  std::vector<ProfileChunk*> unfilled;  // left by threads that ended
  bool started = false;

  std::atomic<int64_t> begun = 0;
  std::atomic<std::size_t> most_chunks = 0, num_chunks = 0;
  std::atomic<int64_t> num_dropped = 0;
  std::atomic<uint64_t> generation = 0;  // of recordings in this process
};

Recording& recording() {
  static Recording* const all = new Recording;  // outlives the threads
  return *all;
}

// A thread's place in the recording.
class Writer {
 public:
  ~Writer() {
    if (chunk_ == nullptr || generation_ != recording().generation.load()) return;
    const std::lock_guard lock(recording().mutex);
    recording().unfilled.push_back(chunk_);
  }

  void add(ProfileEvent event) {
    Recording& all = recording();
    if (generation_ != all.generation.load(std::memory_order_relaxed)) begin_anew();
    if (event.begin < all.begun.load(std::memory_order_relaxed)) return;  // began before the recording
    if ((is_short(event) && few_left()) || !has_room()) {
      all.num_dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    event.thread = thread_;
    last_end_ = event.begin + event.duration;
    const std::size_t place = chunk_->size.load(std::memory_order_relaxed);
    chunk_->events[place] = event;
    chunk_->size.store(place + 1, std::memory_order_release);
  }

  int64_t last_end() const { return last_end_; }

 private:
  void begin_anew() {
    chunk_ = nullptr;
    generation_ = recording().generation.load();
    thread_ = static_cast<uint32_t>(::gettid());
    last_end_ = 0;
  }

  static bool is_short(const ProfileEvent& event) { return event.kind == EventKind::kSpan && event.duration < kShort; }

  bool is_full() const { return chunk_ == nullptr || chunk_->size.load(std::memory_order_relaxed) == kEventsAChunk; }

  // The last eighth of the chunks is for long spans.
  bool few_left() const {
    const std::size_t used = recording().num_chunks.load(std::memory_order_relaxed) + (is_full() ? 1 : 0);
    return 8 * used > 7 * recording().most_chunks.load(std::memory_order_relaxed);
  }

  bool has_room() {
    if (!is_full()) return true;
    Recording& all = recording();
    const std::lock_guard lock(all.mutex);
    if (!all.unfilled.empty()) {
      chunk_ = all.unfilled.back();
      all.unfilled.pop_back();
      return true;
    }
    const std::size_t used = all.num_chunks.load();
    if (used >= all.most_chunks.load()) return false;
    if (used == all.chunks.size()) all.chunks.push_back(std::make_unique<ProfileChunk>());
    chunk_ = all.chunks[used].get();
    all.num_chunks.store(used + 1);
    return true;
  }

  ProfileChunk* chunk_ = nullptr;
  uint64_t generation_ = 0;
  uint32_t thread_ = 0;
  int64_t last_end_ = 0;
};

Writer& writer() {
  static thread_local Writer mine;
  return mine;
}

std::string micros(int64_t nanoseconds) {
  return fmt::format("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000);
}

// Literals as JSON; there are few of them and millions of events.
class Quoted {
 public:
  const std::string& operator()(const char* literal) {
    const auto [found, is_new] = all_.try_emplace(literal);
    if (is_new) found->second = to_line(Json(literal));
    return found->second;
  }

 private:
  std::unordered_map<const char*, std::string> all_;
};

std::string event_json(const ProfileEvent& e, int64_t begun, Quoted& quoted) {
  const std::string start = fmt::format(R"({{"name":{},"pid":{},"tid":{},"ts":{})", quoted(e.name), ::getpid(),
                                        e.thread, micros(std::max<int64_t>(0, e.begin - begun)));
  if (e.kind == EventKind::kCount)
    return start + fmt::format(R"(,"ph":"C","args":{{"value":{}}}}})", to_line(Json(std::bit_cast<double>(e.amount))));
  const std::string amount = e.amount == 0 ? "" : fmt::format(R"(,"args":{{"n":{}}})", e.amount);
  return start + fmt::format(R"(,"ph":"X","dur":{},"cat":{}{}}})", micros(e.duration), quoted(e.category), amount);
}

std::string named(const char* what, uint32_t thread, const std::string& name) {
  return fmt::format(R"({{"name":"{}","ph":"M","pid":{},"tid":{},"args":{{"name":{}}}}})", what, ::getpid(), thread,
                     to_line(Json(name)));
}

// In the order of threads and times, an outer span before those within it.
std::vector<const ProfileEvent*> in_order(const Recording& all) {
  std::vector<const ProfileEvent*> events;
  for (std::size_t c = 0; c < all.num_chunks.load(); ++c) {
    const std::size_t size = all.chunks[c]->size.load(std::memory_order_acquire);
    for (std::size_t i = 0; i < size; ++i) events.push_back(&all.chunks[c]->events[i]);
  }
  std::sort(events.begin(), events.end(), [](const ProfileEvent* a, const ProfileEvent* b) {
    if (a->thread != b->thread) return a->thread < b->thread;
    return a->begin != b->begin ? a->begin < b->begin : a->duration > b->duration;
  });
  return events;
}

void write_trace(const Recording& all, int64_t ended) {
  const auto events = in_order(all);
  write_file_atomically(all.path, [&](const Sink& sink) {
    const auto self = static_cast<uint32_t>(::getpid());
    sink("{\"displayTimeUnit\":\"ms\",\"otherData\":");
    sink(to_line({{"program", "limbeck " LIMBECK_VERSION},
                  {"seconds", static_cast<double>(ended - all.begun) / 1e9},
                  {"spans left out", all.num_dropped.load()}}));
    sink(",\"traceEvents\":[\n" + named("process_name", self, "limbeck"));
    Quoted quoted;
    std::string text;
    uint32_t thread = 0;
    int64_t num_threads = 0;
    for (const ProfileEvent* event : events) {
      if (event->thread != thread) {
        thread = event->thread;
        text += ",\n" + named("thread_name", thread, thread == self ? "main" : fmt::format("thread {}", ++num_threads));
      }
      text += ",\n" + event_json(*event, all.begun, quoted);
      if (text.size() < (1 << 16)) continue;
      sink(text);
      text.clear();
    }
    sink(text + "\n]}\n");
  });
}

}  // namespace

int64_t profiling::now() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

void profiling::record(const char* name, const char* category, int64_t begin, int64_t end, int64_t amount) {
  if (!on.load(std::memory_order_relaxed)) return;  // it was finished meanwhile
  writer().add({.name = name,
                .category = category,
                .begin = begin,
                .duration = end - begin,
                .amount = amount,
                .thread = 0,
                .kind = EventKind::kSpan});
}

void record_past_span(const char* name, const char* category, double seconds) {
  if (!profiling::on.load(std::memory_order_relaxed)) return;
  const int64_t end = profiling::now(), earliest = std::max(writer().last_end(), recording().begun.load());
  const int64_t begin = std::min(end, std::max(earliest, end - static_cast<int64_t>(seconds * 1e9)));
  profiling::record(name, category, begin, end, 0);
}

void record_count(const char* name, double value) {
  // JSON has no other numbers, and Perfetto counts a null as a broken event.
  if (!profiling::on.load(std::memory_order_relaxed) || !std::isfinite(value)) return;
  writer().add({.name = name,
                .category = "",
                .begin = profiling::now(),
                .duration = 0,
                .amount = std::bit_cast<int64_t>(value),
                .thread = 0,
                .kind = EventKind::kCount});
}

void start_profile(const std::filesystem::path& path, int64_t most_events) {
  std::error_code ignored;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (path.empty() || std::filesystem::is_directory(path, ignored))
    user_fail("--profile", "expected a file to write but received '{}'", path.string());
  if (!std::filesystem::is_directory(folder, ignored) || ::access(folder.c_str(), W_OK) != 0)
    user_fail("--profile", "expected a file in a folder that can be written to but received '{}'", path.string());
  Recording& all = recording();
  const std::lock_guard lock(all.mutex);
  all.path = path;
  all.unfilled.clear();
  for (const auto& chunk : all.chunks) chunk->size.store(0);
  all.num_chunks.store(0);
  all.most_chunks.store(static_cast<std::size_t>(most_events) / kEventsAChunk);
  all.num_dropped.store(0);
  all.begun = profiling::now();
  all.started = true;
  all.generation.fetch_add(1);
  profiling::on.store(true);
}

void finish_profile() {
  profiling::on.store(false);
  Recording& all = recording();
  const int64_t ended = profiling::now();
  const std::lock_guard lock(all.mutex);
  if (!std::exchange(all.started, false)) return;
  write_trace(all, ended);
  const int64_t dropped = all.num_dropped.load();
  fmt::print(stderr, "profile: {}{}\n", all.path.string(),
             dropped == 0 ? "" : fmt::format(" (without {} short spans, for which there was no room)", dropped));
}

}  // namespace limbeck
