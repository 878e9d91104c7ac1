// Fills a store of log-probabilities from a server that tells them for a prompt: /completions with echo, logprobs and
// return_tokens_as_token_ids (vLLM, limbeck serve). Texts go over as token ids, so that both sides mean the same
// tokens.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "teachers/log_prob_store.h"
#include "teachers/record_log_probs.h"
#include "teachers/served.h"

namespace limbeck::teachers {

// As record_log_probs. The cap counts what is under way at its worst; it is over this call, not over earlier ones.
// Throws UserError when it is reached, and for a server that tells no such log-probabilities.
void record_log_probs(const ServedOptions& teacher, std::span<const TaughtText> texts, LogProbWriter& writer,
                      const std::function<void(int64_t num_done)>& on_text);

// What a response says of the places of a text. Throws Error that says what is wrong with it.
std::vector<generate::TopLogProbs> read_predictions(const std::string& body, const TaughtText& text, int64_t k);

}  // namespace limbeck::teachers
