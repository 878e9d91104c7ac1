// A text, or a pair of texts, as an encoder model is given it, and the limits that tokenizer.json may set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace limbeck::text {

struct Encoding {
  std::vector<int32_t> ids, type_ids;  // type ids say which of the two texts
  std::vector<uint8_t> mask;           // 0 where it is padding
};

struct Truncation {
  enum class Strategy { kLongestFirst, kOnlyFirst, kOnlySecond };
  int64_t max_length = 512;  // tokens, special ones included
  int64_t stride = 0;        // kept for the file; what is cut off is not returned
  Strategy strategy = Strategy::kLongestFirst;
  bool from_left = false;
};

struct Padding {
  std::optional<int64_t> length;  // none: that of the longest in a batch
  std::optional<int64_t> multiple_of;
  int32_t id = 0, type_id = 0;
  std::string token = "[PAD]";
  bool on_left = false;
};

// Cuts the two (or the one, when b is null) to `max_length` tokens together. Throws UserError when the strategy cannot.
void truncate(const Truncation& truncation, int64_t max_length, std::vector<int32_t>& a, std::vector<int32_t>* b);

// The length that encodings of these lengths are padded to.
int64_t padded_length(const Padding& padding, int64_t longest);
void pad(const Padding& padding, int64_t length, Encoding& encoding);

}  // namespace limbeck::text
