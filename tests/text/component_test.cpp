#include "text/component.h"

#include <gtest/gtest.h>

namespace limbeck::text {
namespace {

template <class Ask>
std::string component_refusal(const char* json, Ask ask) {
  const Json parsed = Json::parse(json);
  try {
    ask(Component(parsed, "tokenizer.json", "normalizer"));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Component, NamesFileAndPlaceOfWhatIsBroken) {
  EXPECT_EQ(component_refusal(R"({"type": 3})", [](const Component& c) { c.type(); }),
            "[tokenizer.json] normalizer: expected a string 'type' but received number");
  EXPECT_EQ(component_refusal("3", [](const Component& c) { c.type(); }),
            "[tokenizer.json] normalizer: expected an object but received number");
  EXPECT_EQ(component_refusal(R"({"n": 9})", [](const Component& c) { c.number("n", 0, 5); }),
            "[tokenizer.json] normalizer: expected a whole number from 0 to 5 as 'n' but received 9");
  EXPECT_EQ(component_refusal(R"({"f": 1})", [](const Component& c) { c.flag("f", true); }),
            "[tokenizer.json] normalizer: expected true or false as 'f' but received number");
  EXPECT_EQ(component_refusal(R"({"c": "ab"})", [](const Component& c) { c.character("c"); }),
            "[tokenizer.json] normalizer: expected one character as 'c' but received 'ab'");
}

TEST(Component, TakesTheDefaultForWhatIsMissingOrNull) {
  const Json json = Json::parse(R"({"a": null})");
  const Component c(json, "f", "p");
  EXPECT_TRUE(c.flag("a", true));
  EXPECT_EQ(c.number("b", 0, 9, 4), 4);
  EXPECT_EQ(c.text("a", "x"), "x");
}

TEST(Component, ASequenceOfSequencesIsOneListWithThePlaceOfEach) {
  const Json json =
      Json::parse(R"({"type": "Sequence", "steps": [{"type": "A"}, {"type": "Sequence", "steps": [{"type": "B"}]}]})");
  const auto steps = Component(json, "f", "p").flattened("steps");
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[1].type(), "B");
  EXPECT_EQ(steps[1].place(), "p.steps[1].steps[0]");
  const Json none;
  EXPECT_TRUE(Component(none, "f", "p").flattened("steps").empty());
}

TEST(Component, APatternIsATextOrAnExpression) {
  const Json text = Json::parse(R"({"pattern": {"String": "a+"}})"),
             regex = Json::parse(R"({"pattern": {"Regex": "a+"}})");
  EXPECT_FALSE(Component(text, "f", "p").pattern().is_regex);
  EXPECT_TRUE(Component(regex, "f", "p").pattern().is_regex);
  EXPECT_EQ(component_refusal(R"({"pattern": {"String": ""}})", [](const Component& c) { c.pattern(); }),
            "[tokenizer.json] normalizer.pattern: expected a pattern but received an empty one");
}

}  // namespace
}  // namespace limbeck::text
