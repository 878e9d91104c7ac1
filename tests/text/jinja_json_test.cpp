#include <gtest/gtest.h>

#include "base/errors.h"
#include "text/jinja_values.h"

namespace limbeck::text::jinja {
namespace {

std::string dumped(const char* json, std::vector<std::pair<std::string, Json>> named = {}) {
  return to_json_text(Json::parse(json), {.named = std::move(named)});
}

TEST(JinjaToJson, WritesAsPythonsJsonDumpsDoes) {  // json.dumps(x, ensure_ascii=False)
  EXPECT_EQ(dumped(R"({"a":[1,2.5,"é\n"],"b":{},"c":[]})"), R"({"a": [1, 2.5, "é\n"], "b": {}, "c": []})");
  EXPECT_EQ(dumped("null"), "null");
  EXPECT_EQ(dumped("true"), "true");
}

TEST(JinjaToJson, IndentsSortsSeparatesAndEscapesWhereAsked) {
  EXPECT_EQ(dumped(R"({"b":[1,{}],"a":2})", {{"indent", 2}}), "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": 2\n}");
  EXPECT_EQ(dumped(R"({"b":1,"a":{"d":1,"c":2}})", {{"sort_keys", true}}), R"({"a": {"c": 2, "d": 1}, "b": 1})");
  EXPECT_EQ(dumped(R"([1,{"a":2}])", {{"separators", Json::array({",", ":"})}}), R"([1,{"a":2}])");
  EXPECT_EQ(dumped(R"(["é😀"])", {{"ensure_ascii", true}}), R"(["\u00e9\ud83d\ude00"])");
}

TEST(JinjaToJson, RefusesWhatHasNoText) {
  EXPECT_THROW(to_json_text(undefined(), {}), UserError);
  EXPECT_THROW(dumped("[]", {{"indent", 100}}), UserError);
}

}  // namespace
}  // namespace limbeck::text::jinja
