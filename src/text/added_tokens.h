// Finds added tokens in a text: of all that begin leftmost the longest, without overlap, as the `tokenizers` library
// does.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::text {

class AddedTokenFinder {
 public:
  // A stretch of the text: ordinary text (id -1), or an added token with the spaces that it takes along.
  struct Stretch {
    std::string_view text;
    int32_t id;
  };

  explicit AddedTokenFinder(std::vector<AddedToken> tokens);  // contents are not empty and differ
  bool empty() const { return tokens_.empty(); }
  // Splits valid UTF-8; ignoring special tokens when asked to. Appends to `out`.
  void split(std::string_view text, bool find_special, std::vector<Stretch>& out) const;

 private:
  const AddedToken* longest_at(std::string_view text) const;
  std::vector<AddedToken> tokens_;                                  // sorted by content
  std::array<std::pair<uint32_t, uint32_t>, 256> by_first_byte_{};  // range in tokens_
  std::vector<unsigned char> first_bytes_;                          // that occur
};

}  // namespace limbeck::text
