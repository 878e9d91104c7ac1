// Replace: every match of a text or of a regular expression becomes a text.
#include <algorithm>
#include <optional>

#include "text/normalizer.h"
#include "text/regex.h"

namespace limbeck::text {
namespace {

class ReplacingNormalizer final : public Normalizer {
 public:
  ReplacingNormalizer(Component::Pattern pattern, std::string content, const std::string& where)
      : text_(std::move(pattern.text)), content_(std::move(content)) {
    if (pattern.is_regex) regex_.emplace(text_, where);
  }

  void apply(NormalizedText& n) const override {
    const char *begin = n.text.data(), *end = begin + n.text.size();
    std::optional<Regex::Match> match = next(begin, end);
    if (!match) return;
    if (match->begin == begin) {  // a run's replacement stands for its last character
      const auto characters =
          std::size_t(std::count_if(match->begin, match->end, [](char c) { return (c & 0xC0) != 0x80; }));
      if (content_.empty()) {
        n.lose_first(characters);
      } else {
        n.num_from_first = characters <= n.num_from_first ? 1 : 0;
      }
    }
    thread_local std::string out;
    out.clear();
    const char* done = begin;
    for (; match; match = next(done, end)) {
      out.append(done, match->begin);
      out += content_;
      done = match->end;
    }
    out.append(done, end);
    n.text.swap(out);
  }

 private:
  std::optional<Regex::Match> next(const char* at, const char* end) const {
    if (regex_) return regex_->find(at, end);
    const std::size_t found = std::string_view(at, std::size_t(end - at)).find(text_);
    if (found == std::string_view::npos) return std::nullopt;
    return Regex::Match{at + found, at + found + text_.size()};
  }

  std::string text_, content_;
  std::optional<Regex> regex_;
};

}  // namespace

std::unique_ptr<Normalizer> make_replacing_normalizer(const Component& step) {
  return std::make_unique<ReplacingNormalizer>(step.pattern(), step.replacement(), step.file());
}

}  // namespace limbeck::text
