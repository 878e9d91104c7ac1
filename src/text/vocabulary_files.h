// The older files of a Hugging Face folder: vocab.json with merges.txt (GPT-2, RoBERTa, Qwen2), vocab.txt (BERT).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::text {

// `config` is tokenizer_config.json, or null; `where` is for messages.
TokenizerSpec spec_from_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt, const Json& config,
                                         std::string_view where);
// The same of what the two files say: tokens by id, merges by rank.
TokenizerSpec spec_from_tokens_and_merges(std::vector<std::string> tokens,
                                          std::vector<std::pair<std::string, std::string>> merges, const Json& config,
                                          std::string_view where);
TokenizerSpec spec_from_vocab_txt(std::string_view vocab_txt, const Json& config, std::string_view where);

}  // namespace limbeck::text
