#include "text/pre_tokenizer_steps.h"

#include "text/byte_alphabet.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"
#include "text/unicode_properties.h"

namespace limbeck::text {
namespace {

// A step that looks for single characters of one kind.
template <class Wanted>
class CharacterStep final : public PreTokenizerStep {
 public:
  CharacterStep(Wanted wanted, SplitBehavior behavior) : wanted_(wanted), behavior_(behavior) {}
  void apply(Pieces& pieces) const override {
    thread_local std::vector<Pieces::Piece> out;
    thread_local std::vector<SplitPart> parts;
    out.clear();
    for (const auto& piece : pieces.list) {
      parts.clear();
      std::size_t done = piece.begin;
      for (std::size_t at = piece.begin; at != piece.end;) {
        const CodePoint c = code_point_at(pieces.text.data() + at);
        if (wanted_(c.value)) {
          if (done != at) parts.push_back({done, at, false});
          parts.push_back({at, at + c.size, true});
          done = at + c.size;
        }
        at += c.size;
      }
      if (done != piece.end) parts.push_back({done, piece.end, false});
      append_split(parts, behavior_, out);
    }
    if (out.empty() || out[0].begin != pieces.list[0].begin) pieces.at_start = false;
    pieces.list.swap(out);
  }

 private:
  Wanted wanted_;
  SplitBehavior behavior_;
};
template <class Wanted>
std::unique_ptr<PreTokenizerStep> character_step(Wanted wanted, SplitBehavior behavior) {
  return std::make_unique<CharacterStep<Wanted>>(wanted, behavior);
}

bool is_white_space(uint32_t c) {
  return char_classes()[c] & kSpace;
}
bool is_punctuation(uint32_t c) {
  return char_properties()[c] & kPunctuation;
}
bool is_numeric(uint32_t c) {
  return char_classes()[c] & kNumeric;
}

// White space goes, punctuation stands alone; both in one pass.
class BertStep final : public PreTokenizerStep {
 public:
  void apply(Pieces& pieces) const override {
    thread_local std::vector<Pieces::Piece> out;
    out.clear();
    for (const auto& piece : pieces.list) {
      std::size_t word = piece.begin;
      for (std::size_t at = piece.begin; at != piece.end;) {
        const CodePoint c = code_point_at(pieces.text.data() + at);
        const bool space = is_white_space(c.value);
        if (space || is_punctuation(c.value)) {
          if (word != at) out.push_back({word, at});
          if (!space) out.push_back({at, at + c.size});
          word = at + c.size;
        }
        at += c.size;
      }
      if (word != piece.end) out.push_back({word, piece.end});
    }
    if (out.empty() || out[0].begin != pieces.list[0].begin) pieces.at_start = false;
    pieces.list.swap(out);
  }
};

// \w+|[^\w\s]+ : runs of word characters and runs of others; white space goes.
class WhitespaceStep final : public PreTokenizerStep {
 public:
  void apply(Pieces& pieces) const override {
    enum class Kind { kSpace, kWord, kOther };
    const uint8_t* classes = char_classes();
    thread_local std::vector<Pieces::Piece> out;
    out.clear();
    for (const auto& piece : pieces.list) {
      std::size_t begin = piece.begin;
      Kind last = Kind::kSpace;
      for (std::size_t at = piece.begin; at != piece.end;) {
        const CodePoint c = code_point_at(pieces.text.data() + at);
        const uint8_t of_c = classes[c.value];
        const Kind kind = of_c & kWord ? Kind::kWord : of_c & kSpace ? Kind::kSpace : Kind::kOther;
        if (kind != last) {
          if (last != Kind::kSpace) out.push_back({begin, at});
          begin = at;
          last = kind;
        }
        at += c.size;
      }
      if (last != Kind::kSpace) out.push_back({begin, piece.end});
    }
    if (out.empty() || out[0].begin != pieces.list[0].begin) pieces.at_start = false;
    pieces.list.swap(out);
  }
};

// Spaces become a mark; a mark before a text that has none; pieces begin at marks.
class MetaspaceStep final : public PreTokenizerStep {
 public:
  explicit MetaspaceStep(const Component& step) : split_(step.flag("split", true)) {
    append_utf8(step.character("replacement"), mark_);
    const std::string scheme = step.text("prepend_scheme", "always");
    if (scheme != "always" && scheme != "first" && scheme != "never")
      step.broken("always, first or never as 'prepend_scheme'", "'" + scheme + "'");
    always_ = scheme == "always";
    first_ = scheme == "first";
    if (step.find("add_prefix_space") && !step.flag("add_prefix_space", true)) always_ = first_ = false;
  }

  void apply(Pieces& pieces) const override {
    thread_local std::string text;
    thread_local std::vector<Pieces::Piece> out;
    text.clear();
    out.clear();
    bool first = pieces.at_start;
    for (const auto& piece : pieces.list) {
      const std::string_view given = pieces.of(piece);
      std::size_t begin = text.size();
      if ((always_ || (first_ && first)) && given[0] != ' ' && !given.starts_with(mark_)) text += mark_;
      first = false;
      for (std::size_t at = 0; at < given.size();) {
        const bool space = given[at] == ' ';
        if (split_ && text.size() > begin && (space || given.substr(at).starts_with(mark_))) {
          out.push_back({begin, text.size()});
          begin = text.size();
        }
        if (space) {
          text += mark_;
          ++at;
          continue;
        }
        // up to what may be the next mark; the first character may be one itself
        std::size_t end = at + 1;
        while (end < given.size() && given[end] != ' ' && given[end] != mark_[0]) ++end;
        text += given.substr(at, end - at);
        at = end;
      }
      if (text.size() > begin) out.push_back({begin, text.size()});
    }
    pieces.text.swap(text);
    pieces.list.swap(out);
  }

 private:
  std::string mark_;
  bool split_, always_ = false, first_ = false;
};

// GPT-2's expression, and bytes as characters.
class ByteLevelStep final : public PreTokenizerStep {
 public:
  explicit ByteLevelStep(const Component& step)
      : prefix_(step.flag("add_prefix_space", true)), regex_(step.flag("use_regex", true)) {}

  void apply(Pieces& pieces) const override {
    thread_local std::string text, with_space;
    thread_local std::vector<Pieces::Piece> out;
    text.clear();
    out.clear();
    const auto put = [&](const char* begin, const char* end) {
      const std::size_t before = text.size();
      append_in_alphabet({begin, std::size_t(end - begin)}, text);
      out.push_back({before, text.size()});
    };
    for (const auto& piece : pieces.list) {
      std::string_view given = pieces.of(piece);
      if (prefix_ && given[0] != ' ') given = with_space.assign(" ").append(given);
      const char *at = given.data(), *end = at + given.size();
      if (!regex_) {
        put(at, end);
        continue;
      }
      while (at != end) {
        const char* after = scan_(at, end);
        put(at, after);
        at = after;
      }
    }
    pieces.text.swap(text);
    pieces.list.swap(out);
  }

 private:
  bool prefix_, regex_;
  Scanner scan_ = scanner_of(PreTokenizer::kGpt2);
};

class FixedLengthStep final : public PreTokenizerStep {
 public:
  explicit FixedLengthStep(int64_t length) : length_(length) {}
  void apply(Pieces& pieces) const override {
    std::vector<Pieces::Piece> out;
    for (const auto& piece : pieces.list) {
      int64_t count = 0;
      std::size_t begin = piece.begin;
      for (std::size_t at = piece.begin; at != piece.end;) {
        at += code_point_at(pieces.text.data() + at).size;
        if (++count == length_ || at == piece.end) {
          out.push_back({begin, at});
          begin = at;
          count = 0;
        }
      }
    }
    pieces.list.swap(out);
  }

 private:
  int64_t length_;  // characters
};

std::unique_ptr<PreTokenizerStep> make_step(const Component& step) {
  const std::string type = step.type();
  if (type == "ByteLevel") return std::make_unique<ByteLevelStep>(step);
  if (type == "Metaspace") return std::make_unique<MetaspaceStep>(step);
  if (type == "BertPreTokenizer") return std::make_unique<BertStep>();
  if (type == "Whitespace") return std::make_unique<WhitespaceStep>();
  if (type == "WhitespaceSplit") return character_step(is_white_space, SplitBehavior::kRemoved);
  if (type == "Punctuation") return character_step(is_punctuation, split_behavior(step, SplitBehavior::kIsolated));
  if (type == "Digits")
    return character_step(
        is_numeric, step.flag("individual_digits", false) ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
  if (type == "CharDelimiterSplit") {
    const uint32_t delimiter = step.character("delimiter");
    return character_step([delimiter](uint32_t c) { return c == delimiter; }, SplitBehavior::kRemoved);
  }
  if (type == "FixedLength") return std::make_unique<FixedLengthStep>(step.number("length", 1, 1 << 20, 5));
  if (type == "Split") return make_split_step(step);
  step.refuse("a pre-tokenizer that this program knows", type);
}

}  // namespace

PreTokenizerSteps make_pre_tokenizer_steps(const Component& component) {
  PreTokenizerSteps steps;
  for (const Component& step : component.flattened("pretokenizers")) steps.push_back(make_step(step));
  return steps;
}

}  // namespace limbeck::text
