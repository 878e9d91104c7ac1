#include "text/pre_tokenizer.h"

#include "text/unicode.h"

namespace limbeck::text {

const std::string_view kGpt2Regex = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kLlama3Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kQwen2Regex =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace {

constexpr uint8_t kEnd = 128;  // past the last character of the segment

struct Look {
  uint8_t classes;
  uint32_t size;
  bool is_letter() const { return classes & kLetter; }
  bool is_number() const { return classes & kNumber; }
  bool is_space() const { return classes & kSpace; }
  bool is_newline() const { return classes & kNewline; }
  bool is_end() const { return classes & kEnd; }
  bool is_other() const { return (classes & (kLetter | kNumber | kSpace | kEnd)) == 0; }
};

// kDigits: a numeric character ends the segment, because Digits split the text there before.
template <bool kDigits>
struct Segment {
  const char* end;
  const uint8_t* table = char_classes();

  Look look(const char* at) const {
    if (at == end) return {kEnd, 0};
    const CodePoint c = code_point_at(at);
    const uint8_t classes = table[c.value];
    if (kDigits && (classes & kNumeric)) return {kEnd, 0};
    return {classes, c.size};
  }

  template <class Wanted>
  const char* skip(const char* at, Wanted wanted) const {
    for (Look next = look(at); wanted(next); next = look(at)) at += next.size;
    return at;
  }
  const char* skip_letters(const char* at) const {
    return skip(at, [](Look c) { return c.is_letter(); });
  }
  const char* skip_others(const char* at) const {
    return skip(at, [](Look c) { return c.is_other(); });
  }
  const char* skip_newlines(const char* at) const {
    return skip(at, [](Look c) { return c.is_newline(); });
  }

  // \s+(?!\S)|\s+ : a run of spaces leaves its last one to what follows, if anything follows.
  const char* end_of_spaces(const char* begin) const {
    const char *at = begin, *last = begin;
    Look next = look(at);
    for (; next.is_space(); next = look(at)) {
      last = at;
      at += next.size;
    }
    return next.is_end() || last == begin ? at : last;
  }
};

// The contraction of English at an apostrophe, or 0: 's 't 'm 'd 're 've 'll. U+017F folds to s where case is ignored.
template <bool kIgnoreCase>
std::size_t contraction_length(const char* at, const char* end) {
  const auto left = end - at;
  if (left < 2) return 0;
  const auto lower = [](char c) { return kIgnoreCase && c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  const char first = lower(at[1]);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (left < 3) return 0;
  const char second = lower(at[2]);
  if (((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l')) return 3;
  if (kIgnoreCase && at[1] == '\xC5' && at[2] == '\xBF') return 3;
  return 0;
}

template <bool kDigits>
const char* scan_gpt2(const char* at, const char* end) {
  const Segment<kDigits> segment{end};
  const Look first = segment.look(at);
  if (kDigits && first.is_end()) return at + code_point_at(at).size;  // a digit by itself
  if (*at == '\'') {
    if (const std::size_t length = contraction_length<false>(at, end)) return at + length;
  }
  const char* begin = at;
  Look kind = first;
  if (*at == ' ') {
    const Look next = segment.look(at + 1);
    if (!next.is_space() && !next.is_end()) begin = at + 1, kind = next;
  }
  if (kind.is_letter()) return segment.skip_letters(begin + kind.size);
  if (kind.is_number()) return segment.skip(begin + kind.size, [](Look c) { return c.is_number(); });
  if (kind.is_other()) return segment.skip_others(begin + kind.size);
  return segment.end_of_spaces(at);
}

template <int kMaxDigits>
const char* scan_llama3(const char* at, const char* end) {
  const Segment<false> segment{end};
  const Look first = segment.look(at);
  if (first.is_letter()) return segment.skip_letters(at + first.size);
  if (first.is_number()) {
    const char* after = at + first.size;
    Look next = segment.look(after);
    for (int i = 1; i < kMaxDigits && next.is_number(); ++i) {
      after += next.size;
      next = segment.look(after);
    }
    return after;
  }
  if (*at == '\'') {
    if (const std::size_t length = contraction_length<true>(at, end)) return at + length;
  }
  const Look second = segment.look(at + first.size);
  if (!first.is_newline() && second.is_letter()) return segment.skip_letters(at + first.size + second.size);
  if (first.is_other()) return segment.skip_newlines(segment.skip_others(at + first.size));
  if (*at == ' ' && second.is_other()) return segment.skip_newlines(segment.skip_others(at + 1 + second.size));
  // \s*[\r\n]+ : to the last line break of the run of spaces
  const char* after_newline = nullptr;
  const char* p = at;
  for (Look next = first; next.is_space(); next = segment.look(p)) {
    p += next.size;
    if (next.is_newline()) after_newline = p;
  }
  return after_newline ? after_newline : segment.end_of_spaces(at);
}

}  // namespace

Scanner scanner_of(PreTokenizer kind) {
  switch (kind) {
    case PreTokenizer::kGpt2:
      return scan_gpt2<false>;
    case PreTokenizer::kLlama3:
      return scan_llama3<3>;
    case PreTokenizer::kQwen2:
      return scan_llama3<1>;
    case PreTokenizer::kSmolLm:
      return scan_gpt2<true>;
  }
  return scan_gpt2<false>;
}

}  // namespace limbeck::text
