// What /v1/completions and /v1/chat/completions are asked, checked and turned into jobs of the engine.
// Not here, and refused: suffix, logit_bias, penalties of presence and frequency, best_of, tools, response
// formats, contents that are no text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/seeds.h"
#include "models/language_model.h"
#include "serve/engine.h"

namespace limbeck::serve {

enum class Endpoint { kCompletions, kChat };

struct ApiLimits {
  int64_t max_prompts = 64;           // of one request
  int64_t max_samples = 32;           // n
  int64_t default_max_tokens = 1024;  // of a chat that names no limit, where the context has room for it
};

struct ApiRequest {
  std::vector<Job> jobs;  // one a prompt
  int64_t num_samples = 1;
  bool stream = false, with_usage = false;  // usage in a last chunk of the stream
  int64_t top_log_probs = -1;               // -1: none asked for
  bool echo = false;                        // the prompt stands in front of its completion
  bool token_ids = false;                   // tokens are written "token_id:17", as vLLM does: no two look alike
  int64_t num_prompt_tokens = 0;
};

// Throws UserError or UserErrors for what cannot be answered. `fallback` seeds a request that names no seed; the same
// seed, prompt and options give the same samples, those that `limbeck generate` would.
ApiRequest read_api_request(Endpoint endpoint, const std::string& body, const std::string& model_name,
                            const models::Pretrained& source, const ApiLimits& limits, Seed fallback);

// A model that is not here: 404 instead of 400.
class UnknownModel : public UserError {
 public:
  using UserError::UserError;
};

}  // namespace limbeck::serve
