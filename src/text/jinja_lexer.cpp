#include "text/jinja_lexer.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "text/unicode.h"

namespace limbeck::text::jinja {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::string with_plain_line_breaks(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(with_plain_line_breaks(source)) {}

  std::vector<Token> run() {
    if (const std::size_t valid = valid_utf8_prefix(source_); valid < source_.size()) {
      advance(valid);
      complain(fmt::format("expected UTF-8 text but received the byte 0x{:02x}",
                           static_cast<unsigned char>(source_[valid])));
    }
    while (at_ < source_.size()) {
      const std::size_t tag = find_tag();
      if (tag == std::string::npos) {
        add_text(at_, source_.size());
        at_ = source_.size();
        break;
      }
      read_tag(tag);
    }
    push(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void complain(const std::string& what) const {
    user_fail("chat template line " + std::to_string(line_), "{}", what);
  }
  void push(TokenKind kind, std::string text) { tokens_.push_back({kind, std::move(text), line_}); }
  void advance(std::size_t to) {
    line_ += std::count(source_.begin() + std::ptrdiff_t(at_), source_.begin() + std::ptrdiff_t(to), '\n');
    at_ = to;
  }

  std::size_t find_tag() const {
    for (std::size_t i = source_.find('{', at_); i != std::string::npos; i = source_.find('{', i + 1))
      if (i + 1 < source_.size() && (source_[i + 1] == '{' || source_[i + 1] == '%' || source_[i + 1] == '#')) return i;
    return std::string::npos;
  }

  void add_text(std::size_t begin, std::size_t end) {
    if (begin < end) push(TokenKind::kText, source_.substr(begin, end - begin));
  }

  // The text before a tag, without what the tag's sign or lstrip_blocks takes away.
  void add_text_before(std::size_t tag, bool is_output) {
    std::size_t end = tag;
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    if (sign == '-') {
      while (end > at_ && is_space(source_[end - 1])) --end;
    } else if (sign != '+' && !is_output) {
      std::size_t begin = end;
      while (begin > at_ && source_[begin - 1] != '\n' && is_space(source_[begin - 1])) --begin;
      const bool at_line_start = begin > at_ ? source_[begin - 1] == '\n' : line_starting_;
      if (at_line_start) end = begin;
    }
    add_text(at_, end);
  }

  void read_tag(std::size_t tag) {
    const char kind = source_[tag + 1];
    add_text_before(tag, kind == '{');
    advance(tag + 2);
    if (at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+')) advance(at_ + 1);
    if (kind == '#') {
      const std::size_t end = source_.find("#}", at_);
      if (end == std::string::npos) complain("expected '#}' to end the comment but the template ends");
      const char sign = end > at_ ? source_[end - 1] : '\0';
      advance(end + 2);
      finish_tag(sign, true);
      return;
    }
    push(kind == '{' ? TokenKind::kOutputBegin : TokenKind::kBlockBegin, "");
    read_inside(kind == '{' ? "}}" : "%}");
  }

  // After the closing mark: what the sign before it or trim_blocks takes away.
  void finish_tag(char sign, bool trims_line_break) {
    std::size_t end = at_;
    if (sign == '-') {
      while (end < source_.size() && is_space(source_[end])) ++end;
    } else if (sign != '+' && trims_line_break && end < source_.size() && source_[end] == '\n') {
      ++end;
    }
    advance(end);
    line_starting_ = source_[at_ - 1] == '\n';
  }

  void read_inside(std::string_view closing) {
    int depth = 0;  // of brackets: "}}" may close two dictionaries
    while (true) {
      while (at_ < source_.size() && is_space(source_[at_])) advance(at_ + 1);
      if (at_ >= source_.size()) complain("expected '" + std::string(closing) + "' but the template ends");
      const char c = source_[at_];
      const bool signed_end = (c == '-' || c == '+') && source_.compare(at_ + 1, 2, closing) == 0;
      if (signed_end || (depth == 0 && source_.compare(at_, 2, closing) == 0)) {
        push(closing == "}}" ? TokenKind::kOutputEnd : TokenKind::kBlockEnd, "");
        advance(at_ + (signed_end ? 3 : 2));
        return finish_tag(signed_end ? c : '\0', closing == "%}");
      }
      if (c == '"' || c == '\'') {
        read_string(c);
      } else if (is_digit(c)) {
        read_number();
      } else if (is_name_start(c)) {
        std::size_t end = at_;
        while (end < source_.size() && (is_name_start(source_[end]) || is_digit(source_[end]))) ++end;
        push(TokenKind::kName, source_.substr(at_, end - at_));
        advance(end);
      } else {
        if (c == '(' || c == '[' || c == '{') ++depth;
        if (c == ')' || c == ']' || c == '}') --depth;
        read_operator();
      }
    }
  }

  void read_operator() {
    static constexpr std::array kOperators = {"==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "<",
                                              ">",  "=",  "(",  ")",  "[",  "]",  "{", "}", ".", ",", ":", "|"};
    for (const std::string_view known : kOperators) {
      if (source_.compare(at_, known.size(), known) != 0) continue;
      push(TokenKind::kOperator, std::string(known));
      return advance(at_ + known.size());
    }
    complain(std::string("expected an expression but received '") + source_[at_] + "'");
  }

  void read_number() {
    std::size_t end = at_;
    while (end < source_.size() && is_digit(source_[end])) ++end;
    const bool is_float = end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1]);
    if (is_float)
      for (++end; end < source_.size() && is_digit(source_[end]);) ++end;
    if (end - at_ > 18) complain("expected a number of at most 18 digits");
    push(is_float ? TokenKind::kFloat : TokenKind::kInteger, source_.substr(at_, end - at_));
    advance(end);
  }

  void read_string(char quote) {
    std::string value;
    std::size_t i = at_ + 1;
    for (; i < source_.size() && source_[i] != quote; ++i) {
      if (source_[i] != '\\') {
        value += source_[i];
      } else if (++i < source_.size()) {
        i = read_escape(i, value);
      }
    }
    if (i >= source_.size()) complain("expected a closing quote but the template ends");
    push(TokenKind::kString, std::move(value));
    advance(i + 1);
  }

  // The escape whose letter stands at i; returns the place of its last character.
  std::size_t read_escape(std::size_t i, std::string& value) const {
    static constexpr std::string_view kLetters = "ntrbfav\\'\"", kMeanings = "\n\t\r\b\f\a\v\\'\"";
    const std::size_t known = kLetters.find(source_[i]);
    if (known != std::string_view::npos) {
      value += kMeanings[known];
      return i;
    }
    const std::size_t digits = source_[i] == 'x' ? 2 : source_[i] == 'u' ? 4 : source_[i] == 'U' ? 8 : 0;
    if (digits > 0) {
      const std::string hex = source_.substr(i + 1, digits);
      const bool good = hex.size() == digits && hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
      const unsigned long code_point = good ? std::stoul(hex, nullptr, 16) : 0x110000;
      if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point < 0xE000))
        complain("expected the hexadecimal digits of a character after a backslash");
      append_utf8(uint32_t(code_point), value);
      return i + digits;
    }
    if (source_[i] != '\n') (value += '\\') += source_[i];  // unknown ones stay as they are; an escaped line break goes
    return i;
  }

  const std::string source_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int64_t line_ = 1;
  bool line_starting_ = true;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  return Lexer(source).run();
}

}  // namespace limbeck::text::jinja
