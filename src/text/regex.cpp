#include "text/regex.h"

#include "base/errors.h"
#include "text/unicode.h"
#include "text/unicode_properties.h"

namespace limbeck::text {
namespace {

using Kind = RegexInstruction::Kind;

const char* before(const char* at) {
  do --at;
  while ((static_cast<unsigned char>(*at) & 0xC0) == 0x80);
  return at;
}

}  // namespace

bool CodePointSet::contains_slowly(uint32_t c) const {
  const uint8_t classes = char_classes()[c];
  const uint32_t properties = char_properties()[c];
  bool found = false;
  for (const Range& range : ranges_) found = found || (c >= range.first && c <= range.last);
  for (const Properties& p : properties_)
    found = found || ((classes & p.classes) != 0 || (properties & p.properties) != 0) != p.others;
  return found != inverted_;
}

void CodePointSet::finish() {
  for (uint32_t c = 0; c < 128; ++c) ascii_[c] = contains_slowly(c);
}

Regex::Regex(std::string_view pattern, std::string_view where) : pattern_(pattern), where_(where) {
  RegexProgram program = compile_regex(pattern, where);
  sets_ = std::move(program.sets);
  program_ = std::move(program.instructions);
}

std::optional<Regex::Match> Regex::find(const char* at, const char* end) const {
  thread_local Work work;
  work.steps_left = 1'000'000 + 1'000 * int64_t(end - at);  // honest expressions need a few a character
  work.choices.clear();
  for (; at != end; at += code_point_at(at).size)
    if (const char* after = match_at(0, at, end, work)) return Match{at, after};
  return std::nullopt;
}

const char* Regex::match_at(std::size_t place, const char* at, const char* end, Work& work) const {
  std::vector<Choice>& choices = work.choices;
  const std::size_t outer = choices.size();
  const auto back = [&] {  // false when there is nothing left to try
    if (choices.size() == outer) return false;
    Choice& last = choices.back();
    place = last.place;
    at = last.at;
    if (last.at == last.least) {
      choices.pop_back();
    } else {
      last.at = before(last.at);
    }
    return true;
  };
  while (true) {
    if (--work.steps_left < 0) user_fail(where_, "the regular expression '{}' takes too long on a text", pattern_);
    const RegexInstruction& now = program_[place];
    bool good = true;
    switch (now.kind) {
      case Kind::kOne: {
        const CodePoint c = at == end ? CodePoint{0, 0} : code_point_at(at);
        good = c.size > 0 && sets_[std::size_t(now.set)].contains(c.value);
        at += c.size;
        ++place;
        break;
      }
      case Kind::kRepeat:
      case Kind::kPossessive: {
        const CodePointSet& set = sets_[std::size_t(now.set)];
        const char* least = now.least == 0 ? at : nullptr;
        int32_t count = 0;
        while (at != end && count != now.most) {
          const CodePoint c = code_point_at(at);
          if (!set.contains(c.value)) break;
          at += c.size;
          if (++count == now.least) least = at;
        }
        work.steps_left -= count / 4;
        good = least != nullptr;
        ++place;
        if (good && now.kind == Kind::kRepeat && at != least) choices.push_back({place, before(at), least});
        break;
      }
      case Kind::kSplit:
        choices.push_back({std::size_t(now.second), at, at});
        place = std::size_t(now.first);
        break;
      case Kind::kJump:
        place = std::size_t(now.first);
        break;
      case Kind::kAhead:
      case Kind::kNotAhead:
        good = (match_at(place + 1, at, end, work) != nullptr) == (now.kind == Kind::kAhead);
        place = std::size_t(now.first);
        break;
      case Kind::kAtomic:
        if (const char* after = match_at(place + 1, at, end, work)) {
          at = after;
        } else {
          good = false;
        }
        place = std::size_t(now.first);
        break;
      case Kind::kEnd:
        choices.resize(outer);
        return at;
    }
    if (!good && !back()) return nullptr;
  }
}

}  // namespace limbeck::text
