// From the text of a regular expression to the instructions of text/regex.h.
#include <map>

#include "base/errors.h"
#include "base/printable.h"
#include "text/regex.h"
#include "text/unicode.h"
#include "text/unicode_properties.h"

namespace limbeck::text {
namespace {

constexpr int kDeepest = 50;                       // groups in groups
constexpr std::size_t kMostInstructions = 20'000;  // copies of {m,n} included
constexpr int32_t kMostRepeats = 1'000, kUnlimited = -1;

struct RegexNode {
  enum class Kind { kSet, kSequence, kChoice, kRepeat, kAhead, kNotAhead, kAtomic };
  Kind kind = Kind::kSequence;
  CodePointSet set;
  std::vector<RegexNode> parts;
  int32_t least = 0, most = 0;
  bool possessive = false;
};
using NodeKind = RegexNode::Kind;

bool can_be_empty(const RegexNode& node) {
  const auto all = [&] {
    for (const RegexNode& part : node.parts)
      if (!can_be_empty(part)) return false;
    return true;
  };
  switch (node.kind) {
    case NodeKind::kSet:
      return false;
    case NodeKind::kChoice:
      for (const RegexNode& part : node.parts)
        if (can_be_empty(part)) return true;
      return false;
    case NodeKind::kRepeat:
      return node.least == 0 || all();
    case NodeKind::kAhead:
    case NodeKind::kNotAhead:
      return true;
    case NodeKind::kSequence:
    case NodeKind::kAtomic:
      return all();
  }
  return true;
}

class RegexParser {
 public:
  RegexParser(std::string_view pattern, std::string_view where) : pattern_(pattern), where_(where) {
    if (valid_utf8_prefix(pattern) != pattern.size()) refuse("bytes that are not UTF-8");
  }

  RegexNode parse() {
    RegexNode whole = choice(false, 0);
    if (at_ != pattern_.size()) refuse("')' without '('");
    if (can_be_empty(whole)) refuse("that it can match nothing");
    return whole;
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    user_fail(where_, "the regular expression '{}', byte {}: {} is not supported", printable(pattern_), at_, what);
  }
  bool is_at(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!is_at(text)) return false;
    at_ += text.size();
    return true;
  }
  uint32_t take_character() {
    if (at_ == pattern_.size()) refuse("an unfinished end");
    const CodePoint c = code_point_at(pattern_.data() + at_);
    at_ += c.size;
    return c.value;
  }

  RegexNode choice(bool ignore_case, int depth) {
    if (depth > kDeepest) refuse("so deep a group");
    RegexNode node{.kind = NodeKind::kChoice};
    do node.parts.push_back(sequence(ignore_case, depth));
    while (take("|"));
    if (node.parts.size() == 1) return std::move(node.parts[0]);
    return node;
  }

  RegexNode sequence(bool ignore_case, int depth) {
    RegexNode node{.kind = NodeKind::kSequence};
    while (at_ != pattern_.size() && !is_at("|") && !is_at(")"))
      node.parts.push_back(repeated(one(ignore_case, depth)));
    return node;
  }

  RegexNode one(bool ignore_case, int depth) {
    if (take("(?i:")) return closed(choice(true, depth + 1));
    if (take("(?:")) return closed(choice(ignore_case, depth + 1));
    if (take("(?=")) return wrapped(NodeKind::kAhead, choice(ignore_case, depth + 1));
    if (take("(?!")) return wrapped(NodeKind::kNotAhead, choice(ignore_case, depth + 1));
    if (take("(?>")) return wrapped(NodeKind::kAtomic, choice(ignore_case, depth + 1));
    if (is_at("(?") || is_at("(*")) refuse("this kind of group");
    if (take("(")) return closed(choice(ignore_case, depth + 1));
    RegexNode node{.kind = NodeKind::kSet};
    if (take("[")) {
      if (ignore_case) refuse("a class without regard to case");
      node.set = bracketed();
    } else if (take(".")) {
      node.set.add_range('\n', '\n');
      node.set.invert();
    } else if (take("\\")) {
      add_escape(node.set, ignore_case);
    } else {
      if (is_at("^") || is_at("$") || is_at("*") || is_at("+") || is_at("?") || is_at("{"))
        refuse("'" + std::string(1, pattern_[at_]) + "' here");
      add_literal(node.set, take_character(), ignore_case);
    }
    node.set.finish();
    return node;
  }

  RegexNode closed(RegexNode node) {
    if (!take(")")) refuse("a group without ')'");
    return node;
  }
  RegexNode wrapped(NodeKind kind, RegexNode inner) {
    RegexNode node{.kind = kind};
    node.parts.push_back(closed(std::move(inner)));
    return node;
  }

  RegexNode repeated(RegexNode node) {
    int32_t least = 0, most = kUnlimited;
    bool counted = false;
    if (take("?")) {
      most = 1;
    } else if (take("*")) {
    } else if (take("+")) {
      least = 1;
    } else if (take("{")) {
      counted = true;
      least = count();
      most = take(",") ? (is_at("}") ? kUnlimited : count()) : least;
      if (!take("}") || (most != kUnlimited && most < least)) refuse("this number of repeats");
    } else {
      return node;
    }
    if (node.kind != NodeKind::kSet && can_be_empty(node)) refuse("a repeat of what can match nothing");
    RegexNode repeat{.kind = NodeKind::kRepeat, .least = least, .most = most};
    repeat.parts.push_back(std::move(node));
    if (is_at("?")) refuse("a lazy repeat");
    if (is_at("+") && counted) refuse("a possessive {m,n}");  // Oniguruma takes it for one repeat of another
    repeat.possessive = take("+");
    if (is_at("*") || is_at("+") || is_at("?") || is_at("{")) refuse("a repeat of a repeat");
    return repeat;
  }

  int32_t count() {
    int32_t value = 0;
    const std::size_t begin = at_;
    while (at_ != pattern_.size() && pattern_[at_] >= '0' && pattern_[at_] <= '9') {
      value = value * 10 + (pattern_[at_++] - '0');
      if (value > kMostRepeats) refuse("so many repeats");
    }
    if (at_ == begin) refuse("a repeat without a number");
    return value;
  }

  CodePointSet bracketed() {
    CodePointSet set;
    const bool inverted = take("^");
    for (bool first = true; first || !is_at("]"); first = false) {
      if (at_ == pattern_.size()) refuse("a class without ']'");
      if (is_at("[")) refuse("a class in a class");
      if (is_at("&&")) refuse("'&&'");
      uint32_t low = 0;
      if (take("\\")) {
        const std::optional<uint32_t> literal = add_escape(set, false);
        if (!literal) continue;
        low = *literal;
      } else {
        low = take_character();
      }
      if (!is_at("-") || is_at("-]")) {
        set.add_range(low, low);
        continue;
      }
      take("-");
      uint32_t high = 0;
      if (take("\\")) {
        CodePointSet ignored;
        const std::optional<uint32_t> literal = add_escape(ignored, false);
        if (!literal) refuse("a range to a class");
        high = *literal;
      } else {
        high = take_character();
      }
      if (high < low) refuse("a range that ends before it begins");
      set.add_range(low, high);
    }
    take("]");
    if (inverted) set.invert();
    set.finish();
    return set;
  }

  static void add_literal(CodePointSet& set, uint32_t c, bool ignore_case) {
    set.add_range(c, c);
    if (!ignore_case) return;
    const bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
    if (!upper && !lower) return;
    set.add_range(c ^ 32, c ^ 32);
    if ((c | 32) == 's') set.add_range(0x17F, 0x17F);    // long s
    if ((c | 32) == 'k') set.add_range(0x212A, 0x212A);  // Kelvin sign
  }

  // After a backslash. Returns the character when it stands for one (added too when a class is not being read).
  std::optional<uint32_t> add_escape(CodePointSet& set, bool ignore_case) {
    const uint32_t c = take_character();
    switch (c) {
      case 's':
      case 'S':
        set.add_classes(kSpace, c == 'S');
        return std::nullopt;
      case 'd':
      case 'D':
        set.add_properties(kCategoryNd, c == 'D');
        return std::nullopt;
      case 'p':
      case 'P':
        add_property(set, c == 'P');
        return std::nullopt;
      case 'x':
      case 'u':
        return literal(set, code(c == 'u'));
      case 'n':
        return literal(set, '\n');
      case 'r':
        return literal(set, '\r');
      case 't':
        return literal(set, '\t');
      default:
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80)
          refuse("this escape");
        add_literal(set, c, ignore_case);
        return c;
    }
  }
  static uint32_t literal(CodePointSet& set, uint32_t c) {
    set.add_range(c, c);
    return c;
  }

  uint32_t code(bool four_digits) {  // \x{1F600}, \x41, \u0041
    const bool braces = !four_digits && take("{");
    const std::size_t most = braces ? 6 : four_digits ? 4 : 2;
    uint32_t value = 0;
    std::size_t digits = 0;
    for (; digits < most && at_ != pattern_.size(); ++digits, ++at_) {
      const char d = pattern_[at_];
      const int v = d >= '0' && d <= '9'   ? d - '0'
                    : d >= 'a' && d <= 'f' ? d - 'a' + 10
                    : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                           : -1;
      if (v < 0) break;
      value = value * 16 + uint32_t(v);
    }
    if (digits == 0 || (!braces && digits < most) || (braces && !take("}")) || value > 0x10FFFF)
      refuse("this code point");
    return value;
  }

  void add_property(CodePointSet& set, bool others) {
    const std::size_t end = pattern_.find('}', at_);
    if (!take("{") || end == std::string_view::npos) refuse("\\p without {name}");
    std::string_view name = pattern_.substr(at_, end - at_);
    if (name.starts_with("^")) others = !others, name.remove_prefix(1);
    static const std::map<std::string_view, uint8_t> classes = {{"L", kLetter}, {"N", kNumber}};
    static const std::map<std::string_view, uint32_t> properties = {
        {"Lu", kCategoryLu}, {"Ll", kCategoryLl}, {"Lt", kCategoryLt}, {"Lm", kCategoryLm}, {"Lo", kCategoryLo},
        {"M", kCategoryM},   {"P", kCategoryP},   {"S", kCategoryS},   {"Nd", kCategoryNd}};
    if (const auto found = classes.find(name); found != classes.end()) {
      set.add_classes(found->second, others);
    } else if (const auto property = properties.find(name); property != properties.end()) {
      set.add_properties(property->second, others);
    } else {
      refuse("\\p{" + printable(std::string(name)) + "}");
    }
    at_ = end + 1;
  }

  std::string_view pattern_, where_;
  std::size_t at_ = 0;
};

class RegexCompiler {
 public:
  RegexCompiler(std::string_view pattern, std::string_view where) : pattern_(pattern), where_(where) {}

  RegexProgram compile(const RegexNode& whole) {
    append(whole);
    add({.kind = Op::kEnd});
    return std::move(program_);
  }

 private:
  using Op = RegexInstruction::Kind;

  std::size_t add(RegexInstruction instruction) {
    if (program_.instructions.size() >= kMostInstructions)
      user_fail(where_, "the regular expression '{}' is too large", printable(pattern_));
    program_.instructions.push_back(instruction);
    return program_.instructions.size() - 1;
  }
  int32_t here() const { return int32_t(program_.instructions.size()); }
  int32_t add_set(const CodePointSet& set) {
    program_.sets.push_back(set);
    return int32_t(program_.sets.size() - 1);
  }

  void append(const RegexNode& node) {
    switch (node.kind) {
      case NodeKind::kSet:
        add({.kind = Op::kOne, .set = add_set(node.set)});
        break;
      case NodeKind::kSequence:
        for (const RegexNode& part : node.parts) append(part);
        break;
      case NodeKind::kChoice:
        append_choice(node);
        break;
      case NodeKind::kRepeat:
        append_repeat(node);
        break;
      case NodeKind::kAhead:
      case NodeKind::kNotAhead:
      case NodeKind::kAtomic: {
        const Op op = node.kind == NodeKind::kAhead      ? Op::kAhead
                      : node.kind == NodeKind::kNotAhead ? Op::kNotAhead
                                                         : Op::kAtomic;
        const std::size_t begin = add({.kind = op});
        append(node.parts[0]);
        add({.kind = Op::kEnd});
        program_.instructions[begin].first = here();
        break;
      }
    }
  }

  void append_choice(const RegexNode& node) {
    std::vector<std::size_t> jumps;
    for (std::size_t i = 0; i < node.parts.size(); ++i) {
      if (i + 1 == node.parts.size()) {
        append(node.parts[i]);
        break;
      }
      const std::size_t split = add({.kind = Op::kSplit});
      program_.instructions[split].first = here();
      append(node.parts[i]);
      jumps.push_back(add({.kind = Op::kJump}));
      program_.instructions[split].second = here();
    }
    for (const std::size_t jump : jumps) program_.instructions[jump].first = here();
  }

  void append_repeat(const RegexNode& node) {
    const RegexNode& inner = node.parts[0];
    if (inner.kind == NodeKind::kSet) {
      add({.kind = node.possessive ? Op::kPossessive : Op::kRepeat,
           .set = add_set(inner.set),
           .least = node.least,
           .most = node.most});
      return;
    }
    const std::size_t atomic = node.possessive ? add({.kind = Op::kAtomic}) : 0;
    for (int32_t i = 0; i < node.least; ++i) append(inner);
    if (node.most == kUnlimited) {
      const std::size_t split = add({.kind = Op::kSplit});
      program_.instructions[split].first = here();
      append(inner);
      add({.kind = Op::kJump, .first = int32_t(split)});
      program_.instructions[split].second = here();
    } else {
      std::vector<std::size_t> splits;
      for (int32_t i = node.least; i < node.most; ++i) {
        splits.push_back(add({.kind = Op::kSplit}));
        program_.instructions[splits.back()].first = here();
        append(inner);
      }
      for (const std::size_t split : splits) program_.instructions[split].second = here();
    }
    if (node.possessive) {
      add({.kind = Op::kEnd});
      program_.instructions[atomic].first = here();
    }
  }

  std::string_view pattern_, where_;
  RegexProgram program_;
};

}  // namespace

RegexProgram compile_regex(std::string_view pattern, std::string_view where) {
  const RegexNode whole = RegexParser(pattern, where).parse();
  return RegexCompiler(pattern, where).compile(whole);
}

}  // namespace limbeck::text
