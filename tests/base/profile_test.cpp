#include "base/profile.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <latch>
#include <map>
#include <set>
#include <thread>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/phases.h"
#include "base/temporary_folder.h"

namespace limbeck {
namespace {

// What Chrome's "Trace Event Format" asks of the events that we write, checked one by one; the spans of each thread
// nest.
struct TraceSpan {
  std::string name, category;
  double begin = 0, end = 0;
};

struct Trace {
  std::map<int64_t, std::vector<TraceSpan>> spans;  // of a thread, in the order of the file
  std::map<int64_t, std::string> threads;
  std::map<std::string, std::vector<double>> counts;
  Json other;
};

void check_nesting(const std::vector<TraceSpan>& spans) {
  std::vector<double> open;  // ends of the spans around
  double last = 0;
  for (const TraceSpan& span : spans) {
    EXPECT_GE(span.begin, last) << span.name;
    last = span.begin;
    while (!open.empty() && open.back() <= span.begin + 1e-6) open.pop_back();
    if (!open.empty()) {
      EXPECT_LE(span.end, open.back() + 1e-6) << span.name << " crosses the span around it";
    }
    open.push_back(span.end);
  }
}

Trace read_trace(const std::filesystem::path& path) {
  const Json file = read_json(path);
  EXPECT_EQ(file.at("displayTimeUnit"), "ms");
  Trace trace{.other = file.at("otherData")};
  for (const Json& event : file.at("traceEvents")) {
    EXPECT_EQ(event.at("pid").get<int64_t>(), ::getpid());
    const auto thread = event.at("tid").get<int64_t>();
    const auto kind = event.at("ph").get<std::string>();
    if (kind == "M") {
      EXPECT_TRUE(event.at("name") == "process_name" || event.at("name") == "thread_name");
      if (event.at("name") == "thread_name") trace.threads[thread] = event.at("args").at("name");
      continue;
    }
    const auto ts = event.at("ts").get<double>();
    EXPECT_GE(ts, 0);
    if (kind == "C") {
      trace.counts[event.at("name")].push_back(event.at("args").at("value").get<double>());
      continue;
    }
    EXPECT_EQ(kind, "X");
    EXPECT_GE(event.at("dur").get<double>(), 0);
    trace.spans[thread].push_back({event.at("name"), event.at("cat"), ts, ts + event.at("dur").get<double>()});
  }
  for (const auto& [thread, spans] : trace.spans) {
    EXPECT_TRUE(trace.threads.contains(thread));
    check_nesting(spans);
  }
  return trace;
}

std::vector<std::string> names_of(const std::vector<TraceSpan>& spans) {
  std::vector<std::string> names;
  for (const TraceSpan& span : spans) names.push_back(span.category + "/" + span.name);
  return names;
}

TEST(Profile, HoldsTheSpansOfAThreadNested) {
  const TemporaryFolder folder;
  start_profile(folder / "trace.json");
  {
    const Span outer("step", "train");
    { const Span inner("forward", "train", 512); }
    { const Span inner("backward", "train"); }
  }
  { const Span later("report", "recipe"); }
  finish_profile();
  const Trace trace = read_trace(folder / "trace.json");
  ASSERT_EQ(trace.spans.size(), 1U);
  EXPECT_EQ(names_of(trace.spans.at(::getpid())),
            (std::vector<std::string>{"train/step", "train/forward", "train/backward", "recipe/report"}));
  EXPECT_EQ(trace.threads.at(::getpid()), "main");
  EXPECT_EQ(trace.other.at("spans left out"), 0);
}

TEST(Profile, HoldsTheSpansOfManyThreads) {
  constexpr int kThreads = 8, kSpans = 10000;  // more than a chunk each
  const TemporaryFolder folder;
  start_profile(folder / "trace.json");
  std::vector<std::thread> threads;
  std::latch all(kThreads);  // so that each is a thread of its own
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      all.arrive_and_wait();
      for (int i = 0; i < kSpans / 2; ++i) {
        const Span outer("outer");
        const Span inner("inner");
      }
    });
  for (auto& thread : threads) thread.join();
  finish_profile();
  const Trace trace = read_trace(folder / "trace.json");
  ASSERT_EQ(trace.spans.size(), static_cast<std::size_t>(kThreads));
  std::set<std::string> names;
  for (const auto& [thread, name] : trace.threads) names.insert(name);
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kThreads));
  for (const auto& [thread, spans] : trace.spans) EXPECT_EQ(spans.size(), static_cast<std::size_t>(kSpans));
}

TEST(Profile, ThreadsThatComeAndGoShareChunks) {
  const TemporaryFolder folder;
  start_profile(folder / "trace.json");
  for (int i = 0; i < 1000; ++i) std::thread([] { const Span span("short-lived"); }).join();
  finish_profile();
  std::size_t count = 0;
  for (const auto& [thread, spans] : read_trace(folder / "trace.json").spans) count += spans.size();
  EXPECT_EQ(count, 1000U);
}

TEST(Profile, LeavesShortSpansOutAndCountsThemWhenThereAreTooMany) {
  constexpr int64_t kMost = 8 * 4096;
  const TemporaryFolder folder;
  start_profile(folder / "trace.json", kMost);
  for (int64_t i = 0; i < kMost; ++i) const Span span("short");
  {
    const Span span("long");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  finish_profile();
  const std::string text = read_file(folder / "trace.json");
  const auto count = [&](std::string_view what) {
    int64_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("\"long\""), 1);
  EXPECT_GE(count("\"short\""), kMost / 8 * 7);
  EXPECT_LT(count("\"short\""), kMost);
  const int64_t left_out = Json::parse(text).at("otherData").at("spans left out");
  EXPECT_EQ(left_out, kMost - count("\"short\""));
}

TEST(Profile, RecordsNothingWhenItIsOff) {
  const TemporaryFolder folder;
  { const Span before("before"); }
  start_profile(folder / "first.json");
  finish_profile();
  { const Span after("after"); }
  finish_profile();  // nothing was started
  EXPECT_TRUE(read_trace(folder / "first.json").spans.empty());
}

TEST(Profile, ASpanThatWasOpenAtTheEndIsInNoRecording) {
  const TemporaryFolder folder;
  start_profile(folder / "first.json");
  {
    const Span open("open");
    finish_profile();
    start_profile(folder / "second.json");
  }
  finish_profile();
  EXPECT_TRUE(read_trace(folder / "first.json").spans.empty());
  EXPECT_TRUE(read_trace(folder / "second.json").spans.empty());
}

TEST(Profile, SpansToldAfterwardsDoNotCross) {
  const TemporaryFolder folder;
  start_profile(folder / "trace.json");
  for (int i = 0; i < 5; ++i) record_past_span("program", "sandbox", 10);  // longer than the time since the last one
  finish_profile();
  const Trace trace = read_trace(folder / "trace.json");
  const auto& spans = trace.spans.at(::getpid());
  ASSERT_EQ(spans.size(), 5U);
  for (std::size_t i = 1; i < spans.size(); ++i) EXPECT_GE(spans[i].begin, spans[i - 1].end - 1e-6);
}

TEST(Profile, HoldsValuesOverTime) {
  const TemporaryFolder folder;
  start_profile(folder / "trace.json");
  record_count("loss", 2.5);
  record_count("loss", 1.25);
  record_count("loss", std::nan(""));  // JSON has none, and a null is no counter's value to Perfetto
  record_count("loss", HUGE_VAL);
  finish_profile();
  EXPECT_EQ(read_trace(folder / "trace.json").counts.at("loss"), (std::vector<double>{2.5, 1.25}));
}

TEST(Profile, APhaseIsASpan) {
  const TemporaryFolder folder;
  start_profile(folder / "trace.json");
  { const Phase phase("sampling"); }
  finish_profile();
  EXPECT_EQ(names_of(read_trace(folder / "trace.json").spans.at(::getpid())),
            std::vector<std::string>{"phase/sampling"});
  forget_phases();
}

TEST(Profile, AFileThatCannotBeThereIsAMistake) {
  const TemporaryFolder folder;
  EXPECT_THROW(start_profile(""), UserError);
  EXPECT_THROW(start_profile(folder / "missing" / "trace.json"), UserError);
  EXPECT_THROW(start_profile(folder.path()), UserError);
}

}  // namespace
}  // namespace limbeck
