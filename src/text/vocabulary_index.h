// The tokens of a spec by text and by id, checked: valid UTF-8, no text with two ids, added tokens where they may
// stand.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::text {

struct VocabularyIndex {
  explicit VocabularyIndex(const TokenizerSpec& spec);  // which must outlive it; throws Error

  std::vector<std::string_view> texts;                // by id, "" for an id that is none
  std::unordered_map<std::string_view, int32_t> ids;  // of the tokens as the vocabulary spells them
  std::vector<bool> special;                          // by id
};

}  // namespace limbeck::text
