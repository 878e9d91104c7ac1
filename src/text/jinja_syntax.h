// The tree of a Jinja template.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace limbeck::text::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Expression {
  enum class Kind {
    kLiteral,    // literal
    kName,       // text
    kList,       // parts
    kDict,       // parts: key, value, key, value ...
    kAttribute,  // parts[0].text
    kIndex,      // parts[0][parts[1]]
    kSlice,      // parts[0][parts[1]:parts[2]:parts[3]], missing ones null
    kCall,       // parts[0](parts[1], ..., named)
    kFilter,     // parts[0] | text(parts[1], ..., named)
    kTest,       // parts[0] is text(parts[1], ...)
    kNot,
    kNegate,
    kBinary,   // parts[0] text parts[1]; text is an operator, "and", "or", "in"
    kTernary,  // parts[1] if parts[0] else parts[2], which may be null
  };
  Kind kind;
  int64_t line;
  int depth = 1;  // of the tree below
  std::string text;
  Json literal;
  std::vector<ExpressionPtr> parts;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Statement;
using Body = std::vector<Statement>;

struct Statement {
  enum class Kind {
    kText,    // text
    kOutput,  // value
    kIf,      // value, body, otherwise
    kFor,     // targets in value, if condition; body, otherwise
    kSet,     // targets, or targets[0].text when that is not empty; value, or body when there is none
    kMacro,   // text(targets...), with defaults for the last of them; body
    kScope,   // body
    kBreak,
    kContinue,
  };
  Kind kind;
  int64_t line;
  std::string text;
  std::vector<std::string> targets;
  ExpressionPtr value, condition;
  std::vector<ExpressionPtr> defaults;
  Body body, otherwise;
};

// Throws UserError naming the line of what is no template or not supported.
Body parse(std::string_view source);

}  // namespace limbeck::text::jinja
