// GPT-2's alphabet: every byte as one printable character, so that a vocabulary of bytes can stand in a text file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace limbeck::text {

std::string bytes_to_alphabet(std::string_view bytes);
void append_in_alphabet(std::string_view bytes, std::string& out);
// None when the (valid UTF-8) token has a character outside the alphabet.
std::optional<std::string> alphabet_to_bytes(std::string_view token);

}  // namespace limbeck::text
