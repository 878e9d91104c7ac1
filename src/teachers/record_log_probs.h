// Fills a store of log-probabilities from a local model.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "models/language_model.h"
#include "teachers/log_prob_store.h"

namespace limbeck::teachers {

struct TaughtText {
  std::vector<int32_t> ids;
  std::vector<int64_t> places;  // of the tokens that a student learns to predict; ascending, 1 or more
};

// Texts that the store has are left out, the others go through the (frozen) model max_batch_tokens at a time. on_text
// is called after each with the number that is done. Throws UserErrors for texts that the model cannot read, before any
// work; Interrupted on Ctrl-C, with everything so far in the store.
void record_log_probs(models::LanguageModel& teacher, std::span<const TaughtText> texts, int64_t max_batch_tokens,
                      LogProbWriter& writer, const std::function<void(int64_t num_done)>& on_text);

}  // namespace limbeck::teachers
