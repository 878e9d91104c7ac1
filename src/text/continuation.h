// Texts that come in pieces (a prompt and its completion, the turns of a chat): the ids of a piece that goes on from
// another. Tokenizers of SentencePiece's kind put a space mark before a text; a piece that goes on from text gets none,
// as it has none where the whole is encoded at once and where the model itself goes on. What would be merged across
// the boundary stays apart.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::text {

class Continuation {
 public:
  enum class Special { kFind, kText };  // as Tokenizer::encode_rendered, as Tokenizer::encode_ordinary

  explicit Continuation(const Tokenizer& tokenizer);  // which outlives this
  // `last`: the id that the piece goes on from; none where it begins the text.
  std::vector<int32_t> encode(std::string_view piece, std::optional<int32_t> last, Special special) const;

 private:
  bool is_added(int32_t id) const { return id >= 0 && id < static_cast<int64_t>(added_.size()) && added_[id]; }
  std::vector<int32_t>::const_iterator first_added(const std::vector<int32_t>& ids) const;

  const Tokenizer& tokenizer_;
  std::shared_ptr<const Tokenizer> unmarked_;  // null where no text gets a mark
  bool marks_every_stretch_ = false;           // between added tokens, not the first one only
  std::vector<bool> added_;                    // by id
};

}  // namespace limbeck::text
