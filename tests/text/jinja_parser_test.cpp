#include <gtest/gtest.h>

#include "base/errors.h"
#include "text/jinja_syntax.h"

namespace limbeck::text::jinja {
namespace {

using Kind = Expression::Kind;

std::string shown(const Expression& e) {  // with every bracket
  std::string parts;
  for (const auto& part : e.parts) parts += (parts.empty() ? "" : " ") + (part ? shown(*part) : "_");
  switch (e.kind) {
    case Kind::kLiteral:
      return e.literal.dump();
    case Kind::kName:
      return e.text;
    case Kind::kNot:
      return "(not " + parts + ")";
    case Kind::kTernary:
      return "(if " + parts + ")";
    default:
      return "(" + (e.text.empty() ? "#" : e.text) + " " + parts + ")";
  }
}
std::string shown(std::string_view expression) {
  return shown(*parse("{{ " + std::string(expression) + " }}").at(0).value);
}

std::string parser_complaint(const std::string& source) {
  try {
    parse(source);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(JinjaParser, OperatorsBindAsInJinja) {
  EXPECT_EQ(shown("a + b * c"), "(+ a (* b c))");
  EXPECT_EQ(shown("a ~ b + c"), "(+ (~ a b) c)");
  EXPECT_EQ(shown("not a == b and c or d"), "(or (and (not (== a b)) c) d)");
  EXPECT_EQ(shown("a + b | trim"), "(+ a (trim b))");
  EXPECT_EQ(shown("not a is defined"), "(not (defined a))");
  EXPECT_EQ(shown("a not in b"), "(not (in a b))");
  EXPECT_EQ(shown("a if b else c if d else e"), "(if b a (if d c e))");
  EXPECT_EQ(shown("-a.b[0](1)"), "(# (# (# (b a) 0) 1))");
}

TEST(JinjaParser, ASliceKeepsTheBoundsThatAreGiven) {
  EXPECT_EQ(shown("a[1:]"), "(# a 1 _ _)");
  EXPECT_EQ(shown("a[:-1]"), "(# a _ (# 1) _)");
  EXPECT_EQ(shown("a[::2]"), "(# a _ _ 2)");
}

TEST(JinjaParser, SaysWhatItExpectedAndWhere) {
  EXPECT_NE(parser_complaint("a\n{{ b +\n }}").find("[chat template line 3] expected an expression but received '}}'"),
            std::string::npos)
      << parser_complaint("a\n{{ b +\n }}");
  EXPECT_NE(parser_complaint("{% if a %}").find("expected 'endif' but received the template's end"), std::string::npos);
  EXPECT_NE(parser_complaint("{% call f() %}{% endcall %}").find("but received 'call', which is not supported"),
            std::string::npos);
  EXPECT_NE(parser_complaint("{% endif %}").find("received 'endif'"), std::string::npos);
  EXPECT_NE(parser_complaint("{% break %}").find("inside a loop only"), std::string::npos);
}

TEST(JinjaParser, RefusesTreesThatWouldExhaustTheStack) {
  std::string brackets(5000, '('), filters = "a", blocks;
  for (int i = 0; i < 100000; ++i) filters += "|trim";
  for (int i = 0; i < 5000; ++i) blocks += "{% if a %}";
  EXPECT_NE(parser_complaint("{{ " + brackets + std::string(5000, ')') + " }}").find("levels of nesting"),
            std::string::npos);
  EXPECT_NE(parser_complaint("{{ " + filters + " }}").find("operations in a row"), std::string::npos);
  EXPECT_NE(parser_complaint(blocks).find("levels of nesting"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::text::jinja
