// A tokenizer without merges for tests: ids 0 to 255 are the bytes, 256 is the end of text.
#pragma once

#include <memory>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace limbeck {

inline std::shared_ptr<const text::Tokenizer> byte_tokenizer(bool add_bos = false,
                                                             const std::string& chat_template = "") {
  text::TokenizerSpec spec;
  for (int byte = 0; byte < 256; ++byte)
    spec.tokens.push_back(text::bytes_to_alphabet(std::string(1, static_cast<char>(byte))));
  spec.tokens.push_back("<|end|>");
  spec.added.push_back({.id = 256, .content = "<|end|>", .special = true});
  spec.eos = 256;
  spec.bos = 256;
  spec.add_bos = add_bos;
  spec.chat_template = chat_template;
  return text::Tokenizer::from_spec(std::move(spec));
}

}  // namespace limbeck
