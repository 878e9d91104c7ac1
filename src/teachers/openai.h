// The requests and responses of OpenAI-compatible servers (/completions and /chat/completions), as OpenAI documents
// them and vLLM, llama.cpp and others answer them. Nothing here talks to anyone.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "generate/generate.h"

namespace limbeck::teachers {

enum class Api { kCompletions, kChat };
enum class TokenLimit { kMaxTokens, kMaxCompletionTokens };  // the newer name, which some chat models insist on

struct Dialect {
  Api api = Api::kCompletions;
  std::string model, system;  // the system message of a chat; "" for none
  bool seeded = true;         // send a seed
  bool log_probs = false;     // ask for the log-probability of each token
  // Send top_k, min_p and repetition_penalty too, where they are not off: OpenAI itself refuses them.
  bool extensions = false;
  TokenLimit token_limit = TokenLimit::kMaxTokens;
};

std::string path_of(Api api);  // "/completions"
Json request_body(const Dialect& dialect, const std::string& prompt, const generate::SamplingOptions& sampling,
                  int64_t num_samples, int64_t seed);

struct Choice {
  std::string text;
  generate::Finish finish = generate::Finish::kEndOfText;
  double log_prob = std::numeric_limits<double>::quiet_NaN();  // of all its tokens; NaN where it is not told
};

struct Answer {
  std::vector<Choice> choices;  // in the order of their indices, where these are an order
  // As the server counts; none where it says nothing, or what cannot be (a negative number, text).
  std::optional<int64_t> prompt_tokens, completion_tokens;
};

// Throws Error that says what is wrong with a response that cannot be used: no JSON, no choices, a choice without a
// text. Choices beyond `most` are left out.
Answer read_answer(Api api, const std::string& body, int64_t most);

// Up to the first of the stop strings, whether the server has cut there or not.
Choice cut_at_stop(Choice choice, const std::vector<std::string>& stop);

}  // namespace limbeck::teachers
