#include "text/added_tokens.h"

#include <algorithm>
#include <cstring>

#include "text/unicode.h"

namespace limbeck::text {
namespace {

uint8_t classes_after(std::string_view text) {
  return char_classes()[code_point_at(text.data()).value];
}

std::size_t last_character(std::string_view text) {  // its offset
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return at;
}
uint8_t classes_before(std::string_view text) {
  return classes_after(text.substr(last_character(text)));
}

std::size_t without_trailing_spaces(std::string_view text) {
  while (!text.empty() && (classes_before(text) & kSpace)) text.remove_suffix(text.size() - last_character(text));
  return text.size();
}

std::size_t leading_spaces(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint c = code_point_at(text.data() + at);
    if (!(char_classes()[c.value] & kSpace)) break;
    at += c.size;
  }
  return at;
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::sort(tokens_.begin(), tokens_.end(), [](auto& a, auto& b) { return a.content < b.content; });
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    auto& range = by_first_byte_[static_cast<unsigned char>(tokens_[i].content[0])];
    if (range.second == 0) {
      range.first = uint32_t(i);
      first_bytes_.push_back(static_cast<unsigned char>(tokens_[i].content[0]));
    }
    range.second = uint32_t(i + 1);
  }
}

const AddedToken* AddedTokenFinder::longest_at(std::string_view text) const {
  const auto range = by_first_byte_[static_cast<unsigned char>(text[0])];
  const AddedToken *first = tokens_.data() + range.first, *last = tokens_.data() + range.second, *found = nullptr;
  // All of [first, last) agree with the text in `depth` bytes; a token that ends there is the first of them.
  for (std::size_t depth = 1; first != last; ++depth) {
    if (first->content.size() == depth) {
      found = first++;
    }
    if (depth == text.size()) break;
    const auto byte_of = [depth](const AddedToken& t) { return static_cast<unsigned char>(t.content[depth]); };
    const auto wanted = static_cast<unsigned char>(text[depth]);
    first = std::partition_point(first, last, [&](const AddedToken& t) { return byte_of(t) < wanted; });
    last = std::partition_point(first, last, [&](const AddedToken& t) { return byte_of(t) == wanted; });
  }
  return found;
}

void AddedTokenFinder::split(std::string_view text, bool find_special, std::vector<Stretch>& out) const {
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (first_bytes_.size() == 1) {  // the usual "<": let memchr look for it
      const void* hit = std::memchr(text.data() + at, first_bytes_[0], text.size() - at);
      if (!hit) break;
      at = std::size_t(static_cast<const char*>(hit) - text.data());
    } else if (by_first_byte_[static_cast<unsigned char>(text[at])].second == 0) {
      ++at;
      continue;
    }
    const AddedToken* token = longest_at(text.substr(at));
    if (!token) {
      ++at;
      continue;
    }
    std::size_t begin = at, end = at + token->content.size();
    at = end;
    if (token->special && !find_special) continue;
    if (token->single_word && ((begin > 0 && (classes_before(text.substr(0, begin)) & kWord)) ||
                               (end < text.size() && (classes_after(text.substr(end)) & kWord)))) {
      continue;
    }
    if (token->lstrip) begin = std::max(without_trailing_spaces(text.substr(0, begin)), done);
    if (token->rstrip) end += leading_spaces(text.substr(end));
    if (done < begin) out.push_back({text.substr(done, begin - done), -1});
    out.push_back({text.substr(begin, end - begin), token->id});
    done = end;
  }
  if (done < text.size()) out.push_back({text.substr(done), -1});
}

}  // namespace limbeck::text
