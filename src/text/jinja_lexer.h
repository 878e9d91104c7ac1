// Tokens of a Jinja template, with the whitespace control that Transformers renders chat templates with (trim_blocks
// and lstrip_blocks on, the last line break of the template dropped).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::text::jinja {

enum class TokenKind {
  kText,
  kOutputBegin,
  kOutputEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,
  kInteger,
  kFloat,
  kOperator,
  kEnd
};

struct Token {
  TokenKind kind;
  std::string text;  // of a string: what it stands for, escapes resolved
  int64_t line;
};

// Throws UserError naming the line of what is no template: what comes after may take all text to be valid UTF-8.
std::vector<Token> tokenize(std::string_view source);

}  // namespace limbeck::text::jinja
