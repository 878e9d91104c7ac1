// Split: by a text or a regular expression, and the ways in which any step may treat what it finds.
#include <optional>

#include "text/pre_tokenizer.h"
#include "text/pre_tokenizer_steps.h"
#include "text/regex.h"

namespace limbeck::text {
namespace {

// The hand-written scanner of a published expression, when that is one.
std::optional<Scanner> scanner_for(const Component::Pattern& pattern) {
  if (!pattern.is_regex) return std::nullopt;
  if (pattern.text == kGpt2Regex) return scanner_of(PreTokenizer::kGpt2);
  if (pattern.text == kLlama3Regex) return scanner_of(PreTokenizer::kLlama3);
  if (pattern.text == kQwen2Regex) return scanner_of(PreTokenizer::kQwen2);
  return std::nullopt;
}

class SplitStep final : public PreTokenizerStep {
 public:
  explicit SplitStep(const Component& step)
      : behavior_(split_behavior(step, SplitBehavior::kIsolated)), inverted_(step.flag("invert", false)) {
    Component::Pattern pattern = step.pattern();
    scanner_ = scanner_for(pattern);
    if (pattern.is_regex && !scanner_) regex_.emplace(pattern.text, step.file());
    text_ = std::move(pattern.text);
  }

  void apply(Pieces& pieces) const override {
    thread_local std::vector<Pieces::Piece> out;
    thread_local std::vector<SplitPart> parts;
    out.clear();
    for (const auto& piece : pieces.list) {
      parts.clear();
      find_parts(pieces.text.data(), piece, parts);
      append_split(parts, behavior_, out);
    }
    if (out.empty() || out[0].begin != pieces.list[0].begin) pieces.at_start = false;
    pieces.list.swap(out);
  }

 private:
  void find_parts(const char* text, const Pieces::Piece& piece, std::vector<SplitPart>& parts) const {
    const char *at = text + piece.begin, *end = text + piece.end;
    const auto place = [text](const char* p) { return std::size_t(p - text); };
    if (scanner_) {  // these match everywhere
      while (at != end) {
        const char* after = (*scanner_)(at, end);
        parts.push_back({place(at), place(after), !inverted_});
        at = after;
      }
      return;
    }
    while (at != end) {
      const std::optional<Regex::Match> match = next(at, end);
      if (!match) break;
      if (match->begin != at) parts.push_back({place(at), place(match->begin), inverted_});
      parts.push_back({place(match->begin), place(match->end), !inverted_});
      at = match->end;
    }
    if (at != end) parts.push_back({place(at), place(end), inverted_});
  }

  std::optional<Regex::Match> next(const char* at, const char* end) const {
    if (regex_) return regex_->find(at, end);
    const std::size_t found = std::string_view(at, std::size_t(end - at)).find(text_);
    if (found == std::string_view::npos) return std::nullopt;
    return Regex::Match{at + found, at + found + text_.size()};
  }

  SplitBehavior behavior_;
  bool inverted_;
  std::string text_;
  std::optional<Scanner> scanner_;
  std::optional<Regex> regex_;
};

}  // namespace

void append_split(const std::vector<SplitPart>& parts, SplitBehavior behavior, std::vector<Pieces::Piece>& out) {
  const std::size_t first = out.size();
  bool last_matched = false;
  switch (behavior) {
    case SplitBehavior::kRemoved:
      for (const SplitPart& part : parts)
        if (!part.matches) out.push_back({part.begin, part.end});
      return;
    case SplitBehavior::kIsolated:
      for (const SplitPart& part : parts) out.push_back({part.begin, part.end});
      return;
    case SplitBehavior::kContiguous:
    case SplitBehavior::kMergedWithPrevious:
      for (const SplitPart& part : parts) {
        const bool joins =
            behavior == SplitBehavior::kContiguous ? part.matches == last_matched : part.matches && !last_matched;
        if (joins && out.size() > first) {
          out.back().end = part.end;
        } else {
          out.push_back({part.begin, part.end});
        }
        last_matched = part.matches;
      }
      return;
    case SplitBehavior::kMergedWithNext:
      // A match joins what follows it, unless that is a match too.
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const bool joins = last_matched && !parts[i].matches;
        if (joins) {
          out.back().end = parts[i].end;
        } else {
          out.push_back({parts[i].begin, parts[i].end});
        }
        last_matched = parts[i].matches;
      }
      return;
  }
}

SplitBehavior split_behavior(const Component& step, SplitBehavior otherwise) {
  const std::string name = step.text("behavior", "");
  if (name.empty()) return otherwise;
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  step.broken("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous as 'behavior'", "'" + name + "'");
}

std::unique_ptr<PreTokenizerStep> make_split_step(const Component& step) {
  return std::make_unique<SplitStep>(step);
}

}  // namespace limbeck::text
