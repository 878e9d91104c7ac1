// How often each piece occurs that a tokenizer cuts a corpus into before its model: what vocabularies are trained on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::text {

struct WordCount {
  std::string word;
  int64_t count = 0;
  bool operator==(const WordCount&) const = default;
};

// Normalised and cut as `spec` says, whatever its vocabulary; sorted by word, the same on any number of threads. Words
// of byte-level BPE are in the byte-to-unicode alphabet. Texts are valid UTF-8.
std::vector<WordCount> count_words(std::span<const std::string_view> texts, const TokenizerSpec& spec);

}  // namespace limbeck::text
