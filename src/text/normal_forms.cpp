// Unicode standard annex 15: full decomposition, canonical order, composition.
#include "text/normal_forms.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "text/unicode.h"
#include "text/unicode_property_data.h"

namespace limbeck::text {
namespace {

// Hangul syllables are arithmetic (Unicode 3.12).
constexpr uint32_t kSBase = 0xAC00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11A7;
constexpr uint32_t kLCount = 19, kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

struct Tables {
  std::unordered_map<uint32_t, const uint32_t*> decompositions;  // to the length, followed by the code points
  std::unordered_map<uint32_t, const uint32_t*> compatibility;   // where it differs
  std::unordered_map<uint64_t, uint32_t> compositions;           // first << 32 | second
  std::unordered_map<uint32_t, uint8_t> combining_classes;
};

const Tables& tables() {
  static const Tables made = [] {
    Tables t;
    const uint32_t* at = std::begin(unicode_data::kDecompositions);
    for (; at != std::end(unicode_data::kDecompositions); at += 2 + at[1]) t.decompositions[*at] = at + 1;
    at = std::begin(unicode_data::kCompatibilityDecompositions);
    for (; at != std::end(unicode_data::kCompatibilityDecompositions); at += 2 + at[1]) t.compatibility[*at] = at + 1;
    for (const auto& pair : unicode_data::kCompositions)
      t.compositions[uint64_t(pair.first) << 32 | pair.second] = pair.composed;
    for (const auto& run : unicode_data::kCombiningClasses)
      for (uint32_t c = run.first; c <= run.last; ++c) t.combining_classes[c] = run.value;
    return t;
  }();
  return made;
}

struct Character {
  uint32_t code_point;
  uint8_t combining_class;
};

enum class Decomposition { kCanonical, kCompatibility };

void decompose(uint32_t c, Decomposition kind, std::vector<Character>& out) {
  if (c < 0xA0) {
    out.push_back({c, 0});
    return;
  }
  if (c - kSBase < kSCount) {
    const uint32_t s = c - kSBase;
    out.push_back({kLBase + s / (kVCount * kTCount), 0});
    out.push_back({kVBase + s % (kVCount * kTCount) / kTCount, 0});
    if (s % kTCount != 0) out.push_back({kTBase + s % kTCount, 0});
    return;
  }
  const Tables& t = tables();
  const auto class_of = [&](uint32_t x) {
    const auto found = t.combining_classes.find(x);
    return found == t.combining_classes.end() ? uint8_t(0) : found->second;
  };
  const uint32_t* parts = nullptr;
  if (kind == Decomposition::kCompatibility) {
    const auto found = t.compatibility.find(c);
    if (found != t.compatibility.end()) parts = found->second;
  }
  if (!parts) {
    const auto found = t.decompositions.find(c);
    if (found != t.decompositions.end()) parts = found->second;
  }
  if (!parts) {
    out.push_back({c, class_of(c)});
    return;
  }
  for (uint32_t i = 1; i <= parts[0]; ++i) out.push_back({parts[i], class_of(parts[i])});
}

void put_in_canonical_order(std::vector<Character>& text) {
  for (auto at = text.begin(); at != text.end();) {
    if (at->combining_class == 0) {
      ++at;
      continue;
    }
    const auto end = std::find_if(at, text.end(), [](const Character& c) { return c.combining_class == 0; });
    std::stable_sort(at, end, [](auto& a, auto& b) { return a.combining_class < b.combining_class; });
    at = end;
  }
}

uint32_t composed(uint32_t first, uint32_t second) {  // 0 for none
  if (first - kLBase < kLCount && second - kVBase < kVCount)
    return kSBase + ((first - kLBase) * kVCount + (second - kVBase)) * kTCount;
  if (first - kSBase < kSCount && (first - kSBase) % kTCount == 0 && second - kTBase - 1 < kTCount - 1)
    return first + (second - kTBase);
  const auto found = tables().compositions.find(uint64_t(first) << 32 | second);
  return found == tables().compositions.end() ? 0 : found->second;
}

void compose(std::vector<Character>& text) {
  std::size_t kept = 0, starter = SIZE_MAX;
  uint8_t last_class = 0;  // of the last kept character after the starter
  for (const Character next : text) {
    const bool adjacent = starter != SIZE_MAX && kept == starter + 1;
    const bool blocked = !adjacent && last_class >= next.combining_class;
    if (starter != SIZE_MAX && !blocked) {
      if (const uint32_t whole = composed(text[starter].code_point, next.code_point)) {
        text[starter].code_point = whole;
        continue;
      }
    }
    text[kept] = next;
    if (next.combining_class == 0) starter = kept;
    last_class = next.combining_class;
    ++kept;
  }
  text.resize(kept);
}

void append_decomposed(std::string_view text, Decomposition kind, std::vector<Character>& out) {
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    const CodePoint c = code_point_at(at);
    decompose(c.value, kind, out);
    at += c.size;
  }
  put_in_canonical_order(out);
}

}  // namespace

std::string_view nfc(std::string_view text, std::string& storage) {
  const uint8_t* classes = char_classes();
  const char* at = text.data();
  const char* end = at + text.size();
  bool plain = true;
  while (at != end && plain) {
    const CodePoint c = code_point_at(at);
    plain = (classes[c.value] & kNotPlainNfc) == 0;
    at += c.size;
  }
  if (plain) return text;
  std::vector<Character> characters;
  characters.reserve(text.size());
  for (at = text.data(); at != end;) {
    const CodePoint c = code_point_at(at);
    decompose(c.value, Decomposition::kCanonical, characters);
    at += c.size;
  }
  put_in_canonical_order(characters);
  compose(characters);
  storage.clear();
  for (const Character& c : characters) append_utf8(c.code_point, storage);
  return storage;
}

void bring_to(NormalForm form, std::string& text) {
  if (is_ascii(text)) return;
  const bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  thread_local std::vector<Character> characters;
  characters.clear();
  append_decomposed(text, compatible ? Decomposition::kCompatibility : Decomposition::kCanonical, characters);
  if (form == NormalForm::kNfc || form == NormalForm::kNfkc) compose(characters);
  text.clear();
  for (const Character& c : characters) append_utf8(c.code_point, text);
}

void append_nfd(std::string_view text, std::vector<uint32_t>& out) {
  thread_local std::vector<Character> characters;
  characters.clear();
  append_decomposed(text, Decomposition::kCanonical, characters);
  for (const Character& c : characters) out.push_back(c.code_point);
}

}  // namespace limbeck::text
