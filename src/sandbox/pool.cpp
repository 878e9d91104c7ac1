#include "sandbox/pool.h"

#include <utility>

#include "base/interrupt.h"

namespace limbeck::sandbox {
namespace {

std::optional<Job> next_job(Batch& batch) {
  if (interrupted()) return std::nullopt;  // what runs is waited for; the rest is not begun
  const std::size_t index = batch.next.fetch_add(1);
  if (index >= batch.sources.size()) return std::nullopt;
  return Job{.index = index, .source = batch.sources[index]};
}

}  // namespace

Pool::Pool(const Launch& launch, const Limits& limits, std::size_t count) : count_(count) {
  try {
    for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this, launch, limits] { live(launch, limits); });
    wait_until_idle();
    rethrow();
  } catch (...) {
    close();
    throw;
  }
}

Pool::~Pool() {
  close();
}

void Pool::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Pool::run(Batch& batch) {
  {
    const std::lock_guard lock(mutex_);
    batch_ = &batch;
    ++round_;
    idle_ = 0;
  }
  wake_.notify_all();
  wait_until_idle();
  rethrow();
}

void Pool::wait_until_idle() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return idle_ == count_; });
}

void Pool::rethrow() {
  const std::lock_guard lock(mutex_);
  if (const auto error = std::exchange(error_, nullptr)) std::rethrow_exception(error);
}

template <class F>
void Pool::guard(F&& f) {
  try {
    f();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
  }
}

void Pool::live(const Launch& launch, const Limits& limits) {
  Worker worker(launch, limits);
  guard([&] { worker.start(); });
  for (std::size_t round = 0;;) {
    Batch* batch = nullptr;
    {
      std::unique_lock lock(mutex_);
      if (++idle_ == count_) done_.notify_all();
      wake_.wait(lock, [&] { return closing_ || round_ > round; });
      if (closing_) return;
      round = round_;
      batch = batch_;
    }
    guard([&] {
      worker.work([&] { return next_job(*batch); },
                  [&](const Job& job, Verdict verdict) { batch->verdicts[job.index] = std::move(verdict); });
    });
  }
}

}  // namespace limbeck::sandbox
