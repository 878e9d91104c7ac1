// Threads with a Worker each, which wait for batches. The threads live as long as the pool: bubblewrap dies with the
// thread that started it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sandbox/worker.h"

namespace limbeck::sandbox {

struct Batch {
  std::vector<const std::string*> sources;
  std::vector<Verdict> verdicts;  // one a source
  std::atomic<std::size_t> next{0};
};

class Pool {
 public:
  // Starts `count` workers at once; throws the first error of any.
  Pool(const Launch& launch, const Limits& limits, std::size_t count);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Fills batch.verdicts, of all sources unless interrupted() said to stop. Throws the first error of any worker. One
  // batch at a time.
  void run(Batch& batch);

 private:
  void live(const Launch& launch, const Limits& limits);
  void close();
  void wait_until_idle();
  void rethrow();
  template <class F>
  void guard(F&& f);

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::size_t round_ = 0, idle_ = 0, count_;
  bool closing_ = false;
  Batch* batch_ = nullptr;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace limbeck::sandbox
