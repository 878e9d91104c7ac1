// The JSON that /v1/completions and /v1/chat/completions answer with, whole or in the chunks of a stream.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "serve/api_request.h"
#include "serve/engine.h"
#include "text/tokenizer.h"

namespace limbeck::serve {

// What all answers to one request have in common.
struct AnswerFrame {
  Endpoint endpoint = Endpoint::kCompletions;
  std::string id, model;
  int64_t created = 0;     // seconds since 1970
  bool token_ids = false;  // tokens are written "token_id:17"
};

// One sample as it has come so far.
struct Choice {
  std::string text;
  std::vector<Token> tokens, prompt;
  int64_t num_drawn = 0;
  std::optional<generate::Finish> finish;
  void add(const Piece& piece);
  // Puts the prompt in front of text and tokens. Nothing predicts its first token: its log-probability is NaN.
  void echo(const std::vector<int32_t>& prompt_ids, const text::Tokenizer& tokenizer);
};

Json usage(int64_t num_prompt_tokens, const std::vector<Choice>& choices);
Json whole_answer(const AnswerFrame& frame, const std::vector<Choice>& choices, int64_t num_prompt_tokens,
                  int64_t top_log_probs, const text::Tokenizer& tokenizer);

// Chunks of a stream. A chat begins with one that names the role.
Json first_chunk(const AnswerFrame& frame, int64_t choice);
Json chunk(const AnswerFrame& frame, const Piece& piece, int64_t top_log_probs, const text::Tokenizer& tokenizer,
           int64_t text_offset);
Json usage_chunk(const AnswerFrame& frame, const Json& usage);

}  // namespace limbeck::serve
