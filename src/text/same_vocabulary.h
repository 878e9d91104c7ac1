// Whether two tokenizers give the same ids for the same text: what a student and a teacher that share logits need.
#pragma once

#include <optional>
#include <string>

#include "text/tokenizer.h"

namespace limbeck::text {

// None when the ids that both have are the same tokens and text is split alike; otherwise the first difference in
// words: "token 17 is 'ab' in the first and 'cd' in the second (4 of 300 differ)". One of the two may have more ids.
std::optional<std::string> vocabulary_difference(const Tokenizer& first, const Tokenizer& second);

}  // namespace limbeck::text
