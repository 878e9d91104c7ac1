// One conversation with a model. The keys and values of what was said stay, so a turn costs only what is new in it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "generate/generate.h"
#include "generate/kv_cache.h"

namespace limbeck::generate {

class Session {
 public:
  Session(const models::Pretrained& source, Precision precision);

  // Continues `ids`, the whole conversation so far. Calls on_text with the text as it can be shown; it returns false to
  // stop the answer there (Finish::kStop). Throws UserError when ids and max_new_tokens do not fit the context.
  Sample answer(std::span<const int32_t> ids, const SamplingOptions& sampling, Seed seed,
                const std::function<bool(std::string_view)>& on_text);
  int64_t num_reused() const { return num_reused_; }  // tokens of the last call that were not computed again

 private:
  // Computes all of ids that is not in the cache; logits [1,V] after the last.
  at::Tensor read(std::span<const int32_t> ids);

  models::Pretrained source_;
  KvPool pool_;
  KvPages cache_;
  std::vector<int32_t> cached_ids_;
  int64_t num_reused_ = 0;
};

}  // namespace limbeck::generate
