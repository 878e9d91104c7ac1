// One isolated supervisor, and the requests under way in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/errors.h"
#include "sandbox/judge.h"
#include "sandbox/process.h"
#include "sandbox/protocol.h"

namespace limbeck::sandbox {

// How a supervisor is started: `command` reads its system-call filter from descriptor 3.
struct Launch {
  std::vector<std::string> command;
  std::vector<uint8_t> filter;
  uid_t user = static_cast<uid_t>(-1);
  double patience = 20;  // seconds that a start, or an answer beyond its program's limit, may take
};

struct Job {
  std::size_t index = 0;
  const std::string* source = nullptr;
};

// Belongs to one thread, which must live as long as it does: bubblewrap dies with the thread that started it.
class Worker {
 public:
  Worker(Launch launch, const Limits& limits) : launch_(std::move(launch)), limits_(limits) {}
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Until the supervisor says that it is ready. Throws Error with what it wrote to stderr instead.
  void start();

  // Judges what `take` gives until it gives nothing. A supervisor that is lost (it died, wrote what is no reply, or
  // kept silent) is replaced; the program it was running is tried once more and then called killed.
  void work(const std::function<std::optional<Job>()>& take, const std::function<void(const Job&, Verdict)>& give);

 private:
  using Clock = std::chrono::steady_clock;
  struct UnderWay {
    Job job;
    uint64_t id = 0;
    int attempts = 1;
  };
  void stop();
  void send(UnderWay& request);
  void restart_after(const std::string& reason, const std::function<void(const Job&, Verdict)>& give);
  // Waits for bytes in either direction. Throws ProtocolLoss when there will be none.
  std::optional<Reply> exchange();
  std::string complaint();

  Launch launch_;
  Limits limits_;
  pid_t pid_ = -1;
  Descriptor channel_, errors_;
  ReplyReader reader_;
  std::string unsent_;
  std::deque<UnderWay> under_way_;
  Clock::time_point deadline_;
  uint64_t next_id_ = 0;
  int losses_in_a_row_ = 0;
};

}  // namespace limbeck::sandbox
