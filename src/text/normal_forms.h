// The four Unicode normalisation forms, with the tables of the `tokenizers` library (text/unicode.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::text {

enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

void bring_to(NormalForm form, std::string& text);  // valid UTF-8, in place

// Form C. Returns `text` itself when nothing can change; else fills `storage`.
std::string_view nfc(std::string_view text, std::string& storage);

// Form D as code points.
void append_nfd(std::string_view text, std::vector<uint32_t>& out);

}  // namespace limbeck::text
