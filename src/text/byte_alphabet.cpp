#include "text/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "text/unicode.h"

namespace limbeck::text {
namespace {

// Printable Latin-1 stands for itself, the other 68 bytes are U+0100 and up in their order.
constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<uint16_t, 256> character{};
  std::array<int16_t, 0x144> byte{};
};

constexpr Alphabet make_alphabet() {
  Alphabet a;
  for (auto& b : a.byte) b = -1;
  uint16_t next = 0x100;
  for (unsigned b = 0; b < 256; ++b) {
    a.character[b] = stands_for_itself(b) ? uint16_t(b) : next++;
    a.byte[a.character[b]] = int16_t(b);
  }
  return a;
}
constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string bytes_to_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  append_in_alphabet(bytes, out);
  return out;
}

void append_in_alphabet(std::string_view bytes, std::string& out) {
  for (const char b : bytes) append_utf8(kAlphabet.character[static_cast<unsigned char>(b)], out);
}

std::optional<std::string> alphabet_to_bytes(std::string_view token) {
  std::string out;
  out.reserve(token.size());
  for (const char *at = token.data(), *end = at + token.size(); at != end;) {
    const CodePoint c = code_point_at(at);
    if (c.value >= kAlphabet.byte.size() || kAlphabet.byte[c.value] < 0) return std::nullopt;
    out += char(kAlphabet.byte[c.value]);
    at += c.size;
  }
  return out;
}

}  // namespace limbeck::text
