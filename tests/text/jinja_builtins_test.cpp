#include <gtest/gtest.h>

#include "base/errors.h"
#include "text/jinja_values.h"

namespace limbeck::text::jinja {
namespace {

TEST(JinjaFilters, TrimTakesWhatPythonTakes) {
  EXPECT_EQ(apply_filter("trim", "\u00A0\x1F a \u3000\n", {}), "a");
  EXPECT_EQ(call_method("xxaxx", "strip", {{"x"}, {}}), "a");
  EXPECT_EQ(call_method("xxaxx", "lstrip", {{"x"}, {}}), "axx");
}

TEST(JinjaFilters, DefaultFillsWhatIsUndefined) {
  EXPECT_EQ(apply_filter("default", undefined(), {{"x"}, {}}), "x");
  EXPECT_EQ(apply_filter("default", "", {{"x"}, {}}), "");
  EXPECT_EQ(apply_filter("default", "", {{"x"}, {{"boolean", true}}}), "x");
}

TEST(JinjaFilters, SelectByAttribute) {
  const Json list = Json::parse(R"([{"r": "a"}, {"r": "b"}, {}])");
  EXPECT_EQ(apply_filter("selectattr", list, {{"r", "equalto", "a"}, {}}), Json::parse(R"([{"r": "a"}])"));
  EXPECT_EQ(apply_filter("rejectattr", list, {{"r"}, {}}), Json::parse("[{}]"));
}

TEST(JinjaMethods, SplitAsPythonDoes) {
  EXPECT_EQ(call_method("a,b,,c", "split", {{","}, {}}), Json::array({"a", "b", "", "c"}));
  EXPECT_EQ(call_method("a,b,c", "split", {{",", 1}, {}}), Json::array({"a", "b,c"}));
  EXPECT_EQ(call_method("a,b,c", "rsplit", {{",", 1}, {}}), Json::array({"a,b", "c"}));
  EXPECT_EQ(call_method("  a \n b ", "split", {}), Json::array({"a", "b"}));
  EXPECT_EQ(call_method("", "split", {{","}, {}}), Json::array({""}));
}

TEST(JinjaBuiltins, RefuseByNameWhatTheyDoNotKnow) {
  EXPECT_THROW(apply_filter("xmlattr", "a", {}), UserError);
  EXPECT_THROW(apply_test("callable", "a", {}), UserError);
  EXPECT_THROW(call_method("a", "zfill", {}), UserError);
  EXPECT_THROW(call_method(3, "strip", {}), UserError);
  EXPECT_THROW(apply_filter("upper", "é", {}), UserError);
  EXPECT_THROW(apply_filter("replace", "a", {{"", "b"}, {}}), UserError);
}

}  // namespace
}  // namespace limbeck::text::jinja
