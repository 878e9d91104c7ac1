// Hugging Face tokenizer files: tokenizer.json, and beside it tokenizer_config.json, special_tokens_map.json and
// chat_template.jinja where they are. What Limbeck cannot compute as the `tokenizers` library would is refused by name.
#pragma once

#include <filesystem>
#include <string_view>

#include "text/tokenizer.h"

namespace limbeck::text {

TokenizerSpec read_tokenizer(const std::filesystem::path& folder);
// Only what tokenizer.json says; `where` is for messages.
TokenizerSpec parse_tokenizer_json(std::string_view json, std::string_view where);
void save_tokenizer(const TokenizerSpec& spec, const std::filesystem::path& folder);

}  // namespace limbeck::text
