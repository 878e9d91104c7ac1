#include "text/components_json.h"

#include <gtest/gtest.h>

namespace limbeck::text::components {
namespace {

TEST(ComponentsJson, AreWrittenAsTokenizerJsonHasThem) {
  EXPECT_EQ(sequence("normalizers", {}), nullptr);
  EXPECT_EQ(sequence("normalizers", {replace("a", "b")}),
            Json::parse(R"({"type": "Replace", "pattern": {"String": "a"}, "content": "b"})"));
  EXPECT_EQ(sequence("normalizers", {replace_regex(" {2,}", " "), metaspace("first", false)}), Json::parse(R"({
      "type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
      {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}]})"));
  EXPECT_EQ(bert_normalizer(true, nullptr, false)["strip_accents"], nullptr);
  EXPECT_EQ(precompiled("Man")["precompiled_charsmap"], "TWFu");
}

TEST(ComponentsJson, ATemplateNamesTextsAndTokens) {
  EXPECT_EQ(template_processing({"$A:0", "</s>:0"}, {"$A:0", "$B:1"}, {{"</s>", 1}}), Json::parse(R"({
      "type": "TemplateProcessing",
      "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}],
      "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
      "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}})"));
}

}  // namespace
}  // namespace limbeck::text::components
