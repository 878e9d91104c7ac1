// A sample while it is drawn, and what its request is told of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "generate/growing_text.h"
#include "generate/sampler.h"
#include "serve/reading.h"

namespace limbeck::serve {

struct Sequence {
  std::shared_ptr<Started> of;
  int64_t index = 0;      // of the sample
  generate::KvPages own;  // positions after the prompt
  Seed seed;
  generate::GrowingText text;
  std::optional<generate::SeenTokens> seen;  // with a penalty
  std::vector<int32_t> ids;
  std::vector<Token> untold;

  const Job& job() const { return of->from.job; }
  int64_t choice() const { return of->from.first_choice + index; }
};

Sequence new_sequence(const std::shared_ptr<Started>& of, int64_t index, generate::KvPool& pool,
                      const models::Pretrained& source);

// Adds the token that was drawn from `logits` [V] and puts what is new into the request's mailbox; false when the
// sequence has ended.
bool goes_on(Sequence& sequence, const kernels::Draw& draw, const float* logits, const models::Pretrained& source);

}  // namespace limbeck::serve
