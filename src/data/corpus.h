// Plain texts to learn from: the lines of .txt files that are not blank, and one field of the rows of other files
// (base/records.h).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::data {

enum class InvalidUtf8 { kRefuse, kReplace };

struct Corpus {
  std::vector<std::string_view> texts;  // valid UTF-8, none blank, in the order of the files
  int64_t num_replaced = 0;             // texts with invalid UTF-8 that became U+FFFD
  int64_t num_bytes = 0;
  std::deque<std::string> storage;  // what the texts point into
};

// Throws UserErrors naming up to ten places with invalid UTF-8 (kRefuse), UserError for a row without the field and
// for files without any text.
Corpus read_corpus(const std::vector<std::string>& files, const std::string& field = "text",
                   InvalidUtf8 invalid = InvalidUtf8::kRefuse);

}  // namespace limbeck::data
