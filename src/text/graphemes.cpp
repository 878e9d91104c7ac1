#include "text/graphemes.h"

#include "text/unicode.h"
#include "text/unicode_properties.h"

namespace limbeck::text {
namespace {

enum class Hangul { kNone, kLeading, kVowel, kTrailing, kSyllable, kClosedSyllable };  // L, V, T, LV, LVT

Hangul hangul_of(uint32_t c) {
  if (c < 0x1100) return Hangul::kNone;
  if (c <= 0x115F || (c >= 0xA960 && c <= 0xA97C)) return Hangul::kLeading;
  if (c <= 0x11A7 || (c >= 0xD7B0 && c <= 0xD7C6)) return Hangul::kVowel;
  if (c <= 0x11FF || (c >= 0xD7CB && c <= 0xD7FB)) return Hangul::kTrailing;
  if (c >= 0xAC00 && c <= 0xD7A3) return (c - 0xAC00) % 28 == 0 ? Hangul::kSyllable : Hangul::kClosedSyllable;
  return Hangul::kNone;
}

bool hangul_joins(uint32_t before, uint32_t after) {
  const Hangul b = hangul_of(before), a = hangul_of(after);
  if (a == Hangul::kNone) return false;
  switch (b) {
    case Hangul::kLeading:
      return a != Hangul::kTrailing;
    case Hangul::kVowel:
    case Hangul::kSyllable:
      return a == Hangul::kVowel || a == Hangul::kTrailing;
    case Hangul::kTrailing:
    case Hangul::kClosedSyllable:
      return a == Hangul::kTrailing;
    case Hangul::kNone:
      return false;
  }
  return false;
}

}  // namespace

const char* end_of_grapheme(const char* at, const char* end) {
  const uint32_t* properties = char_properties();
  CodePoint last = code_point_at(at);
  at += last.size;
  if (last.value == '\r') return at != end && *at == '\n' ? at + 1 : at;
  if (properties[last.value] & kJoinsNothing) return at;
  while (at != end) {
    const CodePoint next = code_point_at(at);
    const uint32_t of_next = properties[next.value];
    if (of_next & kJoinsNothing) break;
    if (!(of_next & kJoinsBefore) && !(properties[last.value] & kJoinsAfter) && !hangul_joins(last.value, next.value))
      break;
    at += next.size;
    last = next;
  }
  return at;
}

}  // namespace limbeck::text
