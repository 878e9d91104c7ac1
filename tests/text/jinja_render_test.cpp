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

TEST(JinjaRender, AnExpressionKeepsWhatItReadThoughAMacroOfItChangesTheNamespace) {
  std::string sets = "{% set n.a = 'new' %}{% set n.l = [] %}{% set n.m = {} %}";
  for (int i = 0; i < 20; ++i) sets += "{% set n.more" + std::to_string(i) + " = 1 %}";
  const std::string setup =
      "{% set n = namespace(a='old, and long enough to lie on the heap', l=[['in a list']], m={'k': 'in a mapping'}) %}"
      "{% macro change() %}" +
      sets + "!{% endmacro %}";
  EXPECT_EQ(render(setup + "{{ n.a ~ change() ~ n.a }}", {}), "old, and long enough to lie on the heap!new");
  EXPECT_EQ(render(setup + "{{ n.l[0][0] ~ change() }}", {}), "in a list!");
  EXPECT_EQ(render(setup + "{{ n.m.k ~ change() }}", {}), "in a mapping!");
  EXPECT_EQ(render(setup + "{{ n.a.replace('old', change()) }}", {}), "!, and long enough to lie on the heap");
  EXPECT_EQ(render(setup + "{{ n.a | replace('old', change()) }}", {}), "!, and long enough to lie on the heap");
  EXPECT_EQ(render(setup + "{{ n.m['k' if change() else 'x'] }}", {}), "in a mapping");
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

// What a template reads counts, and not only what it makes: a long text costs work wherever it is looked at.
TEST(JinjaRender, EndsATemplateThatReadsALongTextAgainAndAgain) {
  const std::string setup =
      "{% set n = namespace(s='aaaaaaaaaaaaaaaa', z='zzzzzzzzzzzzzzzz') %}"
      "{% for i in range(16) %}{% set n.s = n.s + n.s %}{% set n.z = n.z + n.z %}{% endfor %}"
      "{% set t = [n.s, n.s] %}{% set m = {n.s: 1, n.z: 2} %}";
  for (const char* read : {"n.s[0]",
                           "n.s[-1]",
                           "n.s[:1]",
                           "n.s[::-1] == ''",
                           "n.s | length",
                           "'b' in n.s",
                           "n.s == n.z",
                           "n.s < n.s",
                           "t == [n.s, n.z]",
                           "n.s in [n.z]",
                           "n.s in m",
                           "m[n.s]",
                           "m.get(n.s)",
                           "n.s.startswith('b')",
                           "n.s.replace('b', 'c') == ''",
                           "n.s.split('b') == []",
                           "n.s.rsplit('b', 1) == []",
                           "n.s.strip('a')",
                           "(n.s | replace('a', '')) == ''",
                           "n.s | trim('a')",
                           "n.s | int",
                           "n.s | selectattr('a') == []",
                           "t | map('length')",
                           "t | selectattr(0, 'in', n.z) == []",
                           "t | join == ''",
                           "'a'.join(n.s) == ''"}) {
    const std::string said =
        render_complaint(setup + "{% for i in range(2000) %}{% set x = " + read + " %}{% endfor %}");
    EXPECT_NE(said.find("goes on and on"), std::string::npos) << read << ": " << said;
  }
  const std::string first_characters =
      setup + "{% for i in range(300) %}{% for c in n.s %}{% break %}{% endfor %}{% endfor %}";
  EXPECT_NE(render_complaint(first_characters).find("goes on and on"), std::string::npos);
}

TEST(JinjaRender, EndsATemplateThatWritesALongTextIntoOneVariableAgainAndAgain) {
  const std::string source =
      "{% for i in range(2000) %}{% set x %}" + std::string(1 << 20, 'a') + "{% endset %}{% set x = 1 %}{% endfor %}";
  EXPECT_NE(render_complaint(source).find("goes on and on"), std::string::npos);
}

TEST(JinjaRender, EndsATemplateThatSearchesManyKeysAgainAndAgain) {
  std::string keys, sets;
  for (int i = 0; i < 20000; ++i) {
    keys += fmt::format("{}'k{:05}': 1", i ? ", " : "", i);
    sets += fmt::format("{{% set n.k{:05} = 1 %}}", i);
  }
  const std::vector<std::string> sources = {"{% set d = {" + keys + "} %}", "{% set n = namespace() %}" + sets,
                                            "{% for i in range(20000) %}{% set x = d.z %}{% endfor %}",
                                            "{% for i in range(20000) %}{% set x = 'z' in d %}{% endfor %}",
                                            "{% for i in range(20000) %}{% set x = d['z'] %}{% endfor %}"};
  for (const std::string& source : sources) {
    Json variables = Json::object();
    for (int i = 0; i < 2000; ++i) variables["d"].emplace(fmt::format("k{:05}", i), 1);
    EXPECT_NE(render_complaint(source, variables).find("goes on and on"), std::string::npos) << source.substr(0, 80);
  }
}

TEST(JinjaRender, ManyNamesInOneScopeAreAsQuickToFindAsFew) {
  std::string source;
  for (int i = 0; i < 100000; ++i) source += fmt::format("{{% set k{} = {} %}}", i, i);
  EXPECT_EQ(render(source + "{{ k0 + k99999 }}", {}), "99999");
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

TEST(JinjaRender, MacrosTakeArgumentsAndDefaultsAndSeeTheTemplatesVariables) {
  EXPECT_EQ(
      render("{% macro f(a, b='x') %}<{{ a }}{{ b }}{{ c }}>{% endmacro %}{% set c = 1 %}{{ f(2) }}{{ f(b=4, a=3) }}",
             {}),
      "<2x1><341>");
  EXPECT_EQ(render("{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", {}),
            "3210");
  EXPECT_EQ(render("{% macro f() %}[{{ i is defined }}]{% endmacro %}{% for i in [1] %}{{ f() }}{% endfor %}", {}),
            "[False]");
  EXPECT_EQ(render("{% macro f(a) %}{{ a is defined }}{% endmacro %}{{ f() ~ f(1) }}", {}), "FalseTrue");
}

TEST(JinjaRender, MacrosRefuseWhatTheyDoNotTake) {
  EXPECT_THROW(render("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", {}), UserError);
  EXPECT_THROW(render("{% macro f(a) %}{% endmacro %}{{ f(b=2) }}", {}), UserError);
  EXPECT_THROW(render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", {}), UserError);
  EXPECT_THROW(render("{% for i in [1] %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}", {}), UserError);
}

TEST(JinjaRender, MacrosInDeepExpressionsDoNotExhaustTheStack) {
  std::string deep = "f(n)";
  for (int i = 0; i < 400; ++i) deep += " ~ 'x'";
  EXPECT_THROW(render("{% macro f(n) %}{{ " + deep + " }}{% endmacro %}{{ f(1) }}", {}), UserError);
}

TEST(JinjaRender, SetsSeveralNamesAtOnce) {
  EXPECT_EQ(render("{% set a, b = 1, 'x' %}{{ a }}{{ b }}", {}), "1x");
  EXPECT_THROW(render("{% set a, b = [1] %}", {}), UserError);
}

}  // namespace
}  // namespace limbeck::text::jinja
