#include "text/unicode.h"

#include <cstring>
#include <vector>

#include "text/unicode_data.h"

namespace limbeck::text {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

std::vector<uint8_t> make_classes() {
  std::vector<uint8_t> classes(0x110000, 0);
  const auto mark = [&](const auto& ranges, uint8_t bit) {
    for (const auto& range : ranges)
      for (uint32_t c = range.first; c <= range.last; ++c) classes[c] |= bit;
  };
  mark(unicode_data::kLetters, kLetter);
  mark(unicode_data::kNumbers, kNumber);
  mark(unicode_data::kNumerics, kNumeric);
  mark(unicode_data::kSpaces, kSpace);
  mark(unicode_data::kWords, kWord);
  mark(unicode_data::kCombiningClasses, kNotPlainNfc);
  classes['\r'] |= kNewline;
  classes['\n'] |= kNewline;
  for (uint32_t c = 0x1161; c <= 0x11C2; ++c) classes[c] |= kNotPlainNfc;  // Hangul vowels and finals compose
  for (const auto& pair : unicode_data::kCompositions) classes[pair.second] |= kNotPlainNfc;
  std::vector<bool> composes(0x110000, false);
  for (const auto& pair : unicode_data::kCompositions) composes[pair.composed] = true;
  const uint32_t* at = std::begin(unicode_data::kDecompositions);
  for (; at != std::end(unicode_data::kDecompositions); at += 2 + at[1])
    if (!composes[*at]) classes[*at] |= kNotPlainNfc;
  return classes;
}

// Length of the valid character at p, or minus the length of the maximal invalid part; Unicode table 3-7.
int sequence_length(const unsigned char* p, std::size_t left) {
  const unsigned char lead = p[0];
  if (lead < 0x80) return 1;
  int length = 0;
  unsigned char low = 0x80, high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return -1;
  }
  for (int i = 1; i < length; ++i) {
    if (std::size_t(i) >= left || p[i] < low || p[i] > high) return -i;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

}  // namespace

const uint8_t* char_classes() {
  static const std::vector<uint8_t> classes = make_classes();
  return classes.data();
}

void append_utf8(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += char(c);
  } else if (c < 0x800) {
    out += char(0xC0 | c >> 6);
    out += char(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += char(0xE0 | c >> 12);
    out += char(0x80 | (c >> 6 & 0x3F));
    out += char(0x80 | (c & 0x3F));
  } else {
    out += char(0xF0 | c >> 18);
    out += char(0x80 | (c >> 12 & 0x3F));
    out += char(0x80 | (c >> 6 & 0x3F));
    out += char(0x80 | (c & 0x3F));
  }
}

std::size_t valid_utf8_prefix(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t i = 0;
  while (i < text.size()) {
    if (i + 8 <= text.size()) {  // eight ASCII bytes at a time
      uint64_t block;
      std::memcpy(&block, p + i, 8);
      if ((block & 0x8080808080808080ULL) == 0) {
        i += 8;
        continue;
      }
    }
    const int length = sequence_length(p + i, text.size() - i);
    if (length < 0) return i;
    i += std::size_t(length);
  }
  return i;
}

std::string_view replace_invalid_utf8(std::string_view text, std::string& storage) {
  std::size_t valid = valid_utf8_prefix(text);
  if (valid == text.size()) return text;
  storage.clear();
  storage.reserve(text.size() + 16);
  while (true) {
    storage.append(text.substr(0, valid));
    text.remove_prefix(valid);
    if (text.empty()) return storage;
    const int length = sequence_length(reinterpret_cast<const unsigned char*>(text.data()), text.size());
    storage += kReplacement;
    text.remove_prefix(std::size_t(-length));
    valid = valid_utf8_prefix(text);
  }
}

bool is_ascii(std::string_view text) {
  const char *at = text.data(), *end = at + text.size();
  for (; end - at >= 8; at += 8) {
    uint64_t block;
    std::memcpy(&block, at, 8);
    if (block & 0x8080808080808080ULL) return false;
  }
  for (; at != end; ++at)
    if (static_cast<unsigned char>(*at) >= 0x80) return false;
  return true;
}

std::size_t unfinished_utf8_suffix(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const unsigned char c = p[text.size() - back];
    if (c < 0x80) return 0;
    if (c < 0xC0) continue;
    // A lead byte: unfinished when all that follows it is a valid beginning and something is missing.
    const int length = sequence_length(p + text.size() - back, back);
    const std::size_t needed = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    return length == -int(back) && back < needed && c >= 0xC2 && c <= 0xF4 ? back : 0;
  }
  return 0;
}

}  // namespace limbeck::text
