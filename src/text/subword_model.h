// What a piece of text becomes: the models of tokenizer.json, computed as the `tokenizers` library does.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "text/byte_trie.h"
#include "text/tokenizer.h"

namespace limbeck::text {

class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  // Appends the ids of a piece, which is valid UTF-8 and not empty.
  virtual void encode(std::string_view piece, std::vector<int32_t>& out) const = 0;
  // A piece may be cut, before encoding, at each "▁" that follows something else, and gives the same ids.
  virtual bool words_are_apart() const { return false; }
};

// The spec's vocabulary, merges and scores must outlive the model. Throw Error, naming `where`, what does not fit.
std::unique_ptr<SubwordModel> make_character_bpe(const TokenizerSpec& spec, std::string_view where);
std::unique_ptr<SubwordModel> make_unigram(const TokenizerSpec& spec, std::string_view where);
std::unique_ptr<SubwordModel> make_word_piece(const TokenizerSpec& spec, std::string_view where);

// The tokens "<0x00>" to "<0xFF>" of byte fallback, -1 where there is none.
std::array<int32_t, 256> byte_fallback_ids(const ByteTrie& vocabulary);

}  // namespace limbeck::text
