// A job that waits, and one whose prompt is being read.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "generate/kv_cache.h"
#include "serve/engine.h"
#include "serve/mailbox.h"

namespace limbeck::serve {

// A job with its place in the request.
struct Waiting {
  Job job;
  int64_t first_choice = 0;
  std::shared_ptr<Mailbox> mailbox;
};

// A job whose prompt is being read, or whose samples are being drawn.
struct Started {
  Waiting from;
  generate::KvPages cache;       // of the prompt
  int64_t end_of_beginning = 0;  // where the part ends that is read as a beginning of its own; 0: none
  int64_t reserved = 0;          // positions of the cache
  std::vector<Token> prompt;     // what was told of it so far
  bool is_read() const { return cache.length() == static_cast<int64_t>(from.job.ids.size()); }
  // Tokens that are read next, `room` at most: up to the end of the beginning, or of the prompt.
  int64_t num_next(int64_t room) const;
};

// Where the job asks for it: what `hidden` [tokens,D], the states of the tokens that were read last, say of the tokens
// that follow them in the prompt. The last one predicts what is drawn and tells nothing here.
void tell_prompt(Started& one, models::LanguageModel& model, const at::Tensor& hidden);

}  // namespace limbeck::serve
