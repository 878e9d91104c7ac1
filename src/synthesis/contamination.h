// Keeps the test set out of what is trained on: equal questions, and long runs of words in common.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/fields.h"
#include "synthesis/problems.h"

namespace limbeck::synthesis {

struct DecontaminationOptions {
  bool exact = true;   // the same words as a test question
  int64_t ngram = 13;  // this many words in a row as in a test question (GPT-3's n); 0: off
  void describe(Fields& f);
};

class TestSet {
 public:
  TestSet(std::span<const Problem> problems, const DecontaminationOptions& options);
  // "same question as test problem 'x'" or "shares 13 words in a row with test problem 'x'"; none when clean.
  std::optional<std::string> overlap(std::string_view text) const;

 private:
  DecontaminationOptions options_;
  std::unordered_map<std::string, std::string> questions_, ngrams_;  // normal form -> id of the test problem
};

}  // namespace limbeck::synthesis
