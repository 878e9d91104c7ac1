// One sampled program with its verdict and what became of it: a line of samples.jsonl.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "generate/generate.h"
#include "sandbox/judge.h"

namespace limbeck::synthesis {

struct JudgedSample {
  std::string id;             // of the problem
  int64_t sample = 0;         // 0 .. k-1
  std::string program, text;  // what was run; the text as it was sampled
  generate::Finish finish = generate::Finish::kLength;
  sandbox::Verdict verdict;  // its seconds are not stored: they differ from run to run
  bool kept = false;
  std::string reason;  // "kept", or why not
  bool passed() const { return verdict.outcome == sandbox::Outcome::kPassed; }
};

Json to_row(const JudgedSample& sample);
// Throws UserError naming `where` when a field is missing or names no known outcome.
JudgedSample from_row(const Json& row, std::string_view where);
std::vector<JudgedSample> read_samples(const std::filesystem::path& path);

}  // namespace limbeck::synthesis
