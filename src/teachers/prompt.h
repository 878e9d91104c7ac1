// The ids of a prompt.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::teachers {

// Text from outside never becomes a special token; the begin-of-text token stands in front where the model has one.
std::vector<int32_t> encode_prompt(const text::Tokenizer& tokenizer, std::string_view prompt);

}  // namespace limbeck::teachers
