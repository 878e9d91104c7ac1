#include "text/jinja_render.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/seeds.h"

namespace limbeck::text::jinja {
namespace {

std::string render_complaint(std::string_view source, const Json& variables = Json::object()) {
  try {
    render(source, variables);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(JinjaRender, WhatALoopSetsStaysInTheLoopUnlessANamespaceHoldsIt) {
  EXPECT_EQ(render("{% set n = 0 %}{% for i in [1,2] %}{% set n = i %}{% endfor %}{{ n }}", {}), "0");
  EXPECT_EQ(render("{% set n = namespace(x=0) %}{% for i in [1,2] %}{% set n.x = i %}{% endfor %}{{ n.x }}", {}), "2");
  EXPECT_EQ(render("{% if true %}{% set n = 3 %}{% endif %}{{ n }}", {}), "3");
}

TEST(JinjaRender, LoopsBreakContinueAndFallBack) {
  EXPECT_EQ(render("{% for i in [1,2,3,4] %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif "
                   "%}{{ i }}{% endfor %}",
                   {}),
            "13");
  EXPECT_EQ(render("{% for i in [] %}x{% else %}none{% endfor %}", {}), "none");
}

TEST(JinjaRender, AMistakeNamesItsLine) {
  EXPECT_EQ(render_complaint("a\n{{ b.c }}"),
            "[chat template line 2] expected a value but received an undefined one, of which 'c' was asked");
  EXPECT_EQ(render_complaint("{{ raise_exception('no ' ~ x) }}", {{"x", "way"}}),
            "[chat template line 1] the template refuses: no way");
  EXPECT_EQ(render_complaint("{{ foo() }}"), "[chat template line 1] the function 'foo' is not supported");
  EXPECT_EQ(render_complaint("{% for a, b in [1] %}{% endfor %}"),
            "[chat template line 1] expected items of 2 parts but received a number");
}

TEST(JinjaRender, EndsATemplateThatWouldNotEndOrFillsTheMemory) {
  const std::string loops =
      "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = a + b %}{% endfor %}{% endfor %}";
  EXPECT_NE(render_complaint(loops).find("goes on and on"), std::string::npos);
  const std::string doubling =
      "{% set n = namespace(s='aaaaaaaaaaaaaaaa') %}{% for a in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}";
  EXPECT_NE(render_complaint(doubling).find("goes on and on"), std::string::npos) << render_complaint(doubling);
}

TEST(JinjaRender, ALongChatCostsNoCopyOfItselfForEveryLook) {
  Json messages = Json::array();
  for (int i = 0; i < 2000; ++i) messages.push_back({{"role", "user"}, {"content", std::string(1000, 'x')}});
  const std::string source =
      "{% for m in messages %}{% if messages[loop.index0].role == 'user' and messages[0]['role'] == m.role %}"
      "{{ m.content | length }}{% endif %}{% endfor %}";
  EXPECT_EQ(render(source, {{"messages", messages}}).size(), 8000u);
}

TEST(JinjaRender, RandomTemplatesAreRenderedOrRefusedButNeverCrash) {
  const std::vector<std::string> parts = {"{{",        "}}", "{%",       "%}",       "-%}", "{%-",     "{#",    "#}",
                                          " ",         "\n", "if",       "for",      "in",  "endfor",  "endif", "else",
                                          "set",       "a",  "messages", "loop",     ".",   "[",       "]",     "(",
                                          ")",         "|",  "trim",     "is",       "not", "defined", "'x'",   "1",
                                          "-",         "+",  "~",        "==",       ",",   ":",       "{",     "}",
                                          "namespace", "=",  "text",     "\xC3\xA9", "and"};
  Random random{Seed(8)};
  int rendered = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string source;
    for (auto left = random.below(14); left > 0; --left)
      source += parts[random.below(parts.size())] + (random.below(2) ? " " : "");
    if (random.below(2)) source = "{{ " + source + " }}";
    try {
      render(source, {{"a", "text"}, {"messages", Json::parse(R"([{"role": "user"}])")}});
      ++rendered;
    } catch (const UserError&) {
    }
  }
  EXPECT_GT(rendered, 500);
}

}  // namespace
}  // namespace limbeck::text::jinja
