// UTF-8, and the Unicode classes that the pre-tokenisers ask for. The tables are those of the `tokenizers` library
// (unicode_data.h), not of a Unicode release, because ids must equal that library's on every text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace limbeck::text {

// Bits of a code point's class.
enum CharClass : uint8_t {
  kLetter = 1,       // \p{L}
  kNumber = 2,       // \p{N}
  kSpace = 4,        // \s
  kNumeric = 8,      // what Digits splits off
  kWord = 16,        // \w around an added token
  kNewline = 32,     // \r \n
  kNotPlainNfc = 64  // may change under NFC, or change what stands before it
};

// One byte of CharClass bits for each of the 0x110000 code points.
const uint8_t* char_classes();

struct CodePoint {
  uint32_t value;
  uint32_t size;  // bytes
};

// The code point at `at`, which must begin a whole character of valid UTF-8.
inline CodePoint code_point_at(const char* at) {
  const auto* p = reinterpret_cast<const unsigned char*>(at);
  if (p[0] < 0x80) return {p[0], 1};
  if (p[0] < 0xE0) return {uint32_t(p[0] & 0x1F) << 6 | (p[1] & 0x3F), 2};
  if (p[0] < 0xF0) return {uint32_t(p[0] & 0x0F) << 12 | uint32_t(p[1] & 0x3F) << 6 | (p[2] & 0x3F), 3};
  return {uint32_t(p[0] & 0x07) << 18 | uint32_t(p[1] & 0x3F) << 12 | uint32_t(p[2] & 0x3F) << 6 | (p[3] & 0x3F), 4};
}

void append_utf8(uint32_t code_point, std::string& out);

// The bytes from the front that are valid UTF-8.
std::size_t valid_utf8_prefix(std::string_view text);

// The text with every maximal invalid part replaced by U+FFFD, as Python's errors="replace" and Rust's from_utf8_lossy
// do (Unicode 3.9, "U+FFFD substitution of maximal subparts"). Returns `text` itself when it is valid; else fills
// `storage`.
std::string_view replace_invalid_utf8(std::string_view text, std::string& storage);

// How many bytes at the end are a character that further bytes could complete (0 to 3).
std::size_t unfinished_utf8_suffix(std::string_view text);

bool is_ascii(std::string_view text);

}  // namespace limbeck::text
