// Progress of long work: a bar with rate and time left on a terminal, a plain line every few seconds elsewhere
// (stderr).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace limbeck {

class Progress {
 public:
  // label "training", unit "steps"; total 0 when unknown; done: what an earlier process of this run did already.
  Progress(std::string label, std::string unit, int64_t total, int64_t done = 0);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void set(int64_t done, const std::string& note = "");  // note: "loss 1.23"; prints only when it is time to
  void finish(const std::string& note = "");
  static void be_quiet(bool quiet);  // for tests

 private:
  void print(bool last);
  std::string label_, unit_, note_;
  int64_t total_, first_, done_;
  std::chrono::steady_clock::time_point start_, printed_;
  bool finished_ = false, terminal_;
};

}  // namespace limbeck
