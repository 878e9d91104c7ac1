// The pre-tokenisers as hand-written scanners that follow the regular expressions of the models exactly.
#pragma once

#include <string_view>

#include "text/tokenizer.h"

namespace limbeck::text {

// The end of the piece that begins at `at`; at < end, and [at, end) is valid UTF-8 of one segment (what follows `end`
// is not looked at).
using Scanner = const char* (*)(const char* at, const char* end);

Scanner scanner_of(PreTokenizer kind);

// The regular expressions as tokenizer.json spells them.
extern const std::string_view kGpt2Regex, kLlama3Regex, kQwen2Regex;

}  // namespace limbeck::text
