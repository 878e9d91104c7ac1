// A larger training split of a task: each row again with some of its words exchanged, its label the same (TinyBERT,
// Jiao et al., arXiv:1909.10351, sec. 4.3 and algorithm 1). Of a pair one text is varied while the other is as it was;
// the official code leaves the first text as its last variant meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/fields.h"
#include "data/task_rows.h"
#include "synthesis/word_candidates.h"
#include "synthesis/word_substitution.h"

namespace limbeck::synthesis {

struct AugmentOptions {
  SubstitutionOptions substitution;
  int64_t candidates = 15, vector_words = 100000;
  std::string masked_lm, word_vectors;
  void describe(Fields& f);
};

// The given rows, each followed by its variants. For kinds of task whose label is of the whole text or pair; throws
// UserError for others.
data::TaskSplit augmented(const data::TaskSplit& split, data::TaskKind kind, WordCandidates& candidates,
                          const SubstitutionOptions& options, Seed seed);

}  // namespace limbeck::synthesis
