// SentencePiece's "precompiled_charsmap": a double-array trie from byte strings to replacements, applied to a text as
// the `tokenizers` library does (a grapheme of less than six bytes by its shortest entry, else character by character).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::text {

class Charsmap {
 public:
  // The bytes as a tokenizer.model holds them (tokenizer.json: in base 64). Throws Error naming `where`.
  Charsmap(std::string_view bytes, std::string_view where);

  void apply(std::string& text) const;  // valid UTF-8, in place

 private:
  // The replacement of the shortest entry that `part` begins with; false when there is none.
  bool find(std::string_view part, std::string_view& replacement) const;
  void append_mapped(std::string_view grapheme, std::string& out) const;

  std::vector<uint32_t> units_;
  std::string replacements_;  // NUL after each
  std::array<bool, 128> stays_;
};

// False when the text is not base 64.
bool decode_base64(std::string_view text, std::string& out);
std::string encode_base64(std::string_view bytes);

}  // namespace limbeck::text
