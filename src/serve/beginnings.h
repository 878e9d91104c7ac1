// Keys and values of what several prompts begin with. A beginning is worth keeping when a second prompt shows it: the
// first one that repeats an earlier prompt's beginning reads that part as pages of its own, and all later ones borrow
// them.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "generate/kv_cache.h"

namespace limbeck::serve {

struct Beginning {
  std::shared_ptr<const generate::KvPages> pages;  // null where nothing is kept of it
  // Position up to which the prompt should be read as a beginning to keep; 0: nothing new is worth it.
  int64_t worth = 0;
};

class Beginnings {
 public:
  Beginnings(generate::KvPool& pool, int64_t most_positions) : pool_(pool), most_positions_(most_positions) {}

  // For a prompt that is about to be read. Never the whole prompt: its last token's logits are its own.
  Beginning find(std::span<const int32_t> ids);
  void note(const std::vector<int32_t>& ids);  // a prompt that is being read now
  // Keeps `pages`, which hold the first positions of `ids`; the longest unused ones leave when there are too many.
  std::shared_ptr<const generate::KvPages> keep(std::span<const int32_t> ids, generate::KvPages pages);

 private:
  struct Kept {
    std::vector<int32_t> ids;
    std::shared_ptr<const generate::KvPages> pages;
  };
  generate::KvPool& pool_;
  int64_t most_positions_;
  std::list<Kept> kept_;                     // the last used one in front
  std::deque<std::vector<int32_t>> recent_;  // prompts
};

}  // namespace limbeck::serve
