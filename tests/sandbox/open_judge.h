// A judge for tests, kept open while the test binary runs; tests of programs skip where the machine cannot isolate.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sandbox/isolation_lacks.h"
#include "sandbox/judge.h"

namespace limbeck::sandbox {

// Small limits, with time to spare for a busy machine.
inline JudgeOptions quick_options() {
  return {.limits = {.seconds = 5, .cpu_seconds = 3, .memory_mib = 128, .output_bytes = 4096, .file_bytes = 65536},
          .workers = 2};
}

// For programs that shall run out of time.
inline JudgeOptions brief_options() {
  return {.limits = {.seconds = 0.25, .cpu_seconds = 3}, .workers = 4};
}

inline Judge* judge_for(const std::string& name, const JudgeOptions& options) {
  static std::map<std::string, std::unique_ptr<Judge>> judges;
  auto& judge = judges[name];
  if (!judge) judge = Judge::open(options);
  return judge.get();
}

class WithJudge : public ::testing::Test {
 protected:
  void SetUp() override {
    static const std::string lacks = isolation_lacks();
    if (!lacks.empty()) GTEST_SKIP() << lacks;
    judge_ = judge_for(name_, options_);
  }
  // Other options than the quick ones: a judge of that name is opened once.
  WithJudge() : WithJudge("quick", quick_options()) {}
  WithJudge(std::string name, JudgeOptions options) : name_(std::move(name)), options_(std::move(options)) {}

  Verdict verdict(const std::string& source, std::optional<double> expected = std::nullopt) {
    return judge_->judge(std::vector<Program>{{source, expected}}).front();
  }
  // The outcome's name and its detail: "exception ValueError: 3".
  std::string said(const std::string& source, std::optional<double> expected = std::nullopt) {
    const Verdict v = verdict(source, expected);
    return std::string(name_of(v.outcome)) + (v.detail.empty() ? "" : " " + v.detail);
  }

  std::string name_;
  JudgeOptions options_;
  Judge* judge_ = nullptr;
};

}  // namespace limbeck::sandbox
