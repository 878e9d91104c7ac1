#include "synthesis/selection.h"

#include "synthesis/normal_form.h"

namespace limbeck::synthesis {

void SelectionOptions::describe(Fields& f) {
  f("filter", filter, "which passing samples train the student: one a question, all, or all that differ",
    {{"first-pass", Filter::kFirstPass}, {"all-pass", Filter::kAllPass}, {"distinct-pass", Filter::kDistinctPass}});
  f("deduplicate", deduplicate, "drop the same question with the same program: as written, or in normal form",
    {{"off", Deduplicate::kOff}, {"exact", Deduplicate::kExact}, {"normalised", Deduplicate::kNormalised}});
}

void Selector::decide(const Problem& problem, std::span<JudgedSample> samples) {
  bool solved = false;
  for (auto& sample : samples) {
    sample.reason = reason_for(problem, sample, solved);
    sample.kept = sample.reason == "kept";
    solved = solved || sample.kept;
  }
}

std::string Selector::reason_for(const Problem& problem, const JudgedSample& sample, bool solved) {
  if (!sample.passed()) return sandbox::name_of(sample.verdict.outcome);
  if (test_set_ != nullptr && test_set_->overlap(sample.program)) return "contaminated";
  if (solved && options_.filter == Filter::kFirstPass) return "not_first";
  // distinct-pass compares normal forms even where `deduplicate` says less.
  const bool normalised = options_.deduplicate == Deduplicate::kNormalised || options_.filter == Filter::kDistinctPass;
  if (!normalised && options_.deduplicate == Deduplicate::kOff) return "kept";
  std::string key = normalised ? normal_question(problem.question) + '\0' + normal_program(sample.program)
                               : problem.question + '\0' + sample.program;
  return seen_.insert(std::move(key)).second ? "kept" : "duplicate";
}

}  // namespace limbeck::synthesis
