#include "text/charsmap.h"

#include <cstring>

#include "base/errors.h"
#include "text/graphemes.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

constexpr std::size_t kLongestWhole = 5;          // bytes of a grapheme that is looked up as a whole
constexpr std::size_t kLongestReplacement = 256;  // bytes; published maps have at most 33

// A unit of Darts-clone's double array.
bool has_leaf(uint32_t unit) {
  return unit >> 8 & 1;
}
uint32_t value_of(uint32_t unit) {
  return unit & 0x7FFFFFFF;
}
uint32_t label_of(uint32_t unit) {
  return unit & (0x80000000U | 0xFF);
}
std::size_t offset_of(uint32_t unit) {
  return std::size_t(unit >> 10) << ((unit & 1U << 9) >> 6);
}

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

Charsmap::Charsmap(std::string_view bytes, std::string_view where) {
  uint32_t size = 0;
  if (bytes.size() >= 4) std::memcpy(&size, bytes.data(), 4);
  if (bytes.size() < 4 || size > bytes.size() - 4 || size % 4 != 0 || size == 0)
    fail(where, "precompiled_charsmap: expected a trie and its texts but received {} bytes that say {}", bytes.size(),
         size);
  units_.resize(size / 4);
  std::memcpy(units_.data(), bytes.data() + 4, size);
  replacements_ = std::string(bytes.substr(4 + size));
  if (valid_utf8_prefix(replacements_) != replacements_.size())
    fail(where, "precompiled_charsmap: expected UTF-8 in its texts but received other bytes");
  replacements_ += '\0';
  for (std::size_t c = 0; c < stays_.size(); ++c) {
    const char byte = char(c);
    std::string_view ignored;
    stays_[c] = !find({&byte, 1}, ignored);
  }
}

bool Charsmap::find(std::string_view part, std::string_view& replacement) const {
  std::size_t node = offset_of(units_[0]);
  for (const char c : part) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) return false;
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) return false;
    const uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_leaf(unit)) continue;
    if (node >= units_.size()) return false;
    const std::size_t place = value_of(units_[node]);
    if (place >= replacements_.size()) return false;
    const std::string_view found = replacements_.c_str() + place;
    if (found.size() > kLongestReplacement || valid_utf8_prefix(found) != found.size()) return false;
    replacement = found;
    return true;
  }
  return false;
}

void Charsmap::append_mapped(std::string_view grapheme, std::string& out) const {
  std::string_view replacement;
  if (grapheme.size() <= kLongestWhole && find(grapheme, replacement)) {
    out += replacement;
    return;
  }
  while (!grapheme.empty()) {
    const std::string_view character = grapheme.substr(0, code_point_at(grapheme.data()).size);
    out += find(character, replacement) ? replacement : character;
    grapheme.remove_prefix(character.size());
  }
}

void Charsmap::apply(std::string& text) const {
  const char *at = text.data(), *end = at + text.size();
  const auto plain = [&](const char* p) {  // an ASCII character that stays, with nothing after it that could join
    const auto c = static_cast<unsigned char>(*p);
    return c < 0x80 && stays_[c] && (p + 1 == end || (static_cast<unsigned char>(p[1]) < 0x80 && c != '\r'));
  };
  while (at != end && plain(at)) ++at;
  if (at == end) return;
  std::string mapped(text.data(), std::size_t(at - text.data()));
  mapped.reserve(text.size() + 16);
  while (at != end) {
    if (plain(at)) {
      mapped += *at++;
      continue;
    }
    const char* after = end_of_grapheme(at, end);
    append_mapped({at, std::size_t(after - at)}, mapped);
    at = after;
  }
  text = std::move(mapped);
}

bool decode_base64(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() % 4 != 0) return false;
  std::array<int8_t, 256> values;
  values.fill(-1);
  for (int8_t i = 0; i < 64; ++i) values[static_cast<unsigned char>(kBase64[i])] = i;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = !last ? 0 : text[i + 2] == '=' && text[i + 3] == '=' ? 2 : text[i + 3] == '=' ? 1 : 0;
    uint32_t bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int8_t value = k >= 4 - padding ? int8_t(0) : values[static_cast<unsigned char>(text[i + k])];
      if (value < 0) return false;
      bits = bits << 6 | uint32_t(value);
    }
    for (std::size_t k = 0; k < 3 - padding; ++k) out += char(bits >> (16 - 8 * k) & 0xFF);
  }
  return true;
}

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kBase64[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace limbeck::text
