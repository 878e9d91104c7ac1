#include <gtest/gtest.h>

#include "base/errors.h"
#include "text/jinja_render.h"

namespace limbeck::text::jinja {
namespace {

std::string shown_by(const std::string& expression) {
  return render("{{ " + expression + " }}", {{"people", Json::parse(R"([{"n": "b", "a": 2}, {"n": "A", "a": 1}])")}});
}

TEST(JinjaListFilters, SortAndDictsortLookPastCase) {
  EXPECT_EQ(shown_by("['b', 'A', 'c'] | sort"), "['A', 'b', 'c']");
  EXPECT_EQ(shown_by("['b', 'A'] | sort(case_sensitive=true)"), "['A', 'b']");
  EXPECT_EQ(shown_by("[1, 3, 2] | sort(reverse=true)"), "[3, 2, 1]");
  EXPECT_EQ(shown_by("people | sort(attribute='a') | map(attribute='n') | join"), "Ab");
  EXPECT_EQ(shown_by("{'b': 1, 'a': 2} | dictsort"), "[['a', 2], ['b', 1]]");
  EXPECT_EQ(shown_by("{'b': 1, 'a': 2} | dictsort(by='value')"), "[['b', 1], ['a', 2]]");
}

TEST(JinjaListFilters, ChooseCountAndAdd) {
  EXPECT_EQ(shown_by("[3, 1, 2] | max ~ ([3, 1, 2] | min)"), "31");
  EXPECT_EQ(shown_by("['a', 'A', 'b'] | unique | list"), "['a', 'b']");
  EXPECT_EQ(shown_by("[1, 2] | sum ~ (people | sum(attribute='a'))"), "33");
  EXPECT_EQ(shown_by("[1, 2, 3, 4] | select('gt', 2) | list"), "[3, 4]");
  EXPECT_EQ(shown_by("[0, 1] | reject | list"), "[0]");
  EXPECT_EQ(shown_by("[1, 2, 3] | batch(2) | list"), "[[1, 2], [3]]");
  EXPECT_EQ(shown_by("people | join('-', attribute='n')"), "b-A");
}

TEST(JinjaListFilters, LayOutText) {
  EXPECT_EQ(shown_by("'a\\nb\\n\\nc' | indent(2)"), "a\n  b\n\n  c");
  EXPECT_EQ(shown_by("'a\\nb' | indent(1, first=true)"), " a\n b");
  EXPECT_EQ(shown_by("'<a & \"b\">' | e"), "&lt;a &amp; &#34;b&#34;&gt;");
  EXPECT_EQ(shown_by("'a b  c' | wordcount"), "3");
  EXPECT_EQ(shown_by("'hello wORLD' | title"), "Hello World");
}

TEST(JinjaListFilters, Numbers) {
  EXPECT_EQ(shown_by("'2.5' | float"), "2.5");
  EXPECT_EQ(shown_by("'x' | float(1)"), "1");
  EXPECT_EQ(shown_by("-3 | abs"), "3");
  EXPECT_EQ(shown_by("2.5 | round"), "2.0");
}

TEST(JinjaListFilters, RefuseWhatTheyCannotDo) {
  for (const char* expression :
       {"1 | abs(2) | dictsort", "'a' | abs", "['a', 1] | sort", "[1] | batch(0)", "2.55 | round(1)"})
    EXPECT_THROW(shown_by(expression), UserError) << expression;
}

}  // namespace
}  // namespace limbeck::text::jinja
