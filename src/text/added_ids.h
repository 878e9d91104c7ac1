// Which id the `tokenizers` library gives an added token: that of the vocabulary's token of the same text, else the
// next free one. It does not read the "id" of tokenizer.json, so a file must agree with this order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace limbeck::text {

class AddedIds {
 public:
  explicit AddedIds(int64_t vocabulary_count) : vocabulary_count_(vocabulary_count) {}
  int64_t next(std::optional<int32_t> in_vocabulary) {
    const int64_t id = in_vocabulary ? *in_vocabulary : std::max(vocabulary_count_, greatest_ + 1);
    greatest_ = std::max(greatest_, id);
    return id;
  }

 private:
  int64_t vocabulary_count_, greatest_ = -1;
};

}  // namespace limbeck::text
