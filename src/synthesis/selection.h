// Which samples train the student: verdict, overlap with the test set, duplicates, then the filter. Every sample gets a
// reason.
#pragma once

#include <span>
#include <string>
#include <unordered_set>

#include "base/fields.h"
#include "synthesis/contamination.h"
#include "synthesis/samples.h"

namespace limbeck::synthesis {

enum class Filter { kFirstPass, kAllPass, kDistinctPass };
enum class Deduplicate { kOff, kExact, kNormalised };

struct SelectionOptions {
  Filter filter = Filter::kFirstPass;                  // the paper keeps the first passing program of a question
  Deduplicate deduplicate = Deduplicate::kNormalised;  // over the whole pool: the same question with the same program
  void describe(Fields& f);
};

// Decides problem by problem, in order; what it kept before makes later copies duplicates.
class Selector {
 public:
  // test_set: none to leave programs unchecked; must outlive the selector.
  Selector(const SelectionOptions& options, const TestSet* test_set) : options_(options), test_set_(test_set) {}
  // Fills kept and reason: "kept", the verdict's name ("wrong_answer", …), "contaminated", "duplicate", "not_first".
  void decide(const Problem& problem, std::span<JudgedSample> samples);

 private:
  std::string reason_for(const Problem& problem, const JudgedSample& sample, bool solved);
  SelectionOptions options_;
  const TestSet* test_set_;
  std::unordered_set<std::string> seen_;
};

}  // namespace limbeck::synthesis
