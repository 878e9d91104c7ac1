#include "text/jinja_lexer.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck::text::jinja {
namespace {

std::string texts(std::string_view source) {  // of the tokens, a bar between
  std::string out;
  for (const Token& token : tokenize(source))
    if (!token.text.empty()) out += (out.empty() ? "" : "|") + token.text;
  return out;
}

TEST(JinjaTokens, TextAndTagsPart) {
  EXPECT_EQ(texts("a {{ b.c[1] }} d"), "a |b|.|c|[|1|]| d");
}

TEST(JinjaTokens, StringsResolveEscapes) {
  EXPECT_EQ(texts(R"({{ 'a\n\'b\u00e9\x41\q' }})"), "a\n'b\u00e9A\\q");
  EXPECT_EQ(texts("{{ '}}' }}"), "}}");
}

TEST(JinjaTokens, ABlockTakesItsLinesWhiteSpaceAlong) {
  EXPECT_EQ(texts("a\n  {% if x %}\nb"), "a\n|if|x|b");
  EXPECT_EQ(texts("a  {% if x %} b"), "a  |if|x| b");
}

TEST(JinjaTokens, SignsTakeAllWhiteSpaceOrNone) {
  EXPECT_EQ(texts("a \n {{- x -}} \n b"), "a|x|b");
  EXPECT_EQ(texts("a\n  {%+ if x +%}\nb"), "a\n  |if|x|\nb");
}

TEST(JinjaTokens, BracesCloseBeforeTheTagDoes) {
  EXPECT_EQ(texts("{{ {'a': {'b': 1}} }}"), "{|a|:|{|b|:|1|}|}");
}

TEST(JinjaTokens, CommentsVanish) {
  EXPECT_EQ(texts("a{# {{ no }} #}b"), "a|b");
}

TEST(JinjaTokens, RememberTheirLine) {
  const auto tokens = tokenize("a\n\n{{ b }}");
  EXPECT_EQ(tokens[2].text, "b");
  EXPECT_EQ(tokens[2].line, 3);
}

TEST(JinjaTokens, RefuseWhatDoesNotEnd) {
  for (const char* source :
       {"{{ a", "{% if", "{# a", "{{ 'a }}", "{{ a ? }}", "{{ '\\ud800' }}", "{{ 1111111111111111111 }}"})
    EXPECT_THROW(tokenize(source), UserError) << source;
}

}  // namespace
}  // namespace limbeck::text::jinja
