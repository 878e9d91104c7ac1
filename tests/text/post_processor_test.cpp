#include "text/post_processor.h"

#include <gtest/gtest.h>

#include "text/components_json.h"

namespace limbeck::text {
namespace {

using Ids = std::vector<int32_t>;
constexpr auto kAdd = PostProcessor::Special::kAdd;

PostProcessor processor_of(const Json& json) {
  return PostProcessor(Component(json, "tokenizer.json", "post_processor"), 200);
}

Encoding both(const PostProcessor& processor, Ids a, const Ids& b) {
  return processor.process(std::move(a), &b, kAdd);
}

TEST(PostProcessor, ATemplateSaysWhatStandsAroundTextsAndTheirTypes) {
  const auto processor = processor_of(components::template_processing({"[CLS]:0", "$A:0", "[SEP]:0"},
                                                                      {"[CLS]:0", "$A:0", "[SEP]:0", "$B:1", "[SEP]:1"},
                                                                      {{"[CLS]", 101}, {"[SEP]", 102}}));
  EXPECT_EQ(processor.process({7}, nullptr, kAdd).ids, (Ids{101, 7, 102}));
  const Encoding pair = both(processor, {7, 8}, {9});
  EXPECT_EQ(pair.ids, (Ids{101, 7, 8, 102, 9, 102}));
  EXPECT_EQ(pair.type_ids, (Ids{0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(pair.mask.size(), 6u);
  EXPECT_EQ(processor.num_added(true), 3);
  EXPECT_EQ(processor.process({7}, nullptr, PostProcessor::Special::kLeaveOut).ids, (Ids{7}));
}

TEST(PostProcessor, BertAndRobertaHaveTheirOwnNames) {
  const auto bert =
      processor_of(Json::parse(R"({"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]})"));
  EXPECT_EQ(both(bert, {7}, {9}).ids, (Ids{2, 7, 3, 9, 3}));
  EXPECT_EQ(both(bert, {7}, {9}).type_ids, (Ids{0, 0, 0, 1, 1}));
  const auto roberta =
      processor_of(Json::parse(R"({"type": "RobertaProcessing", "sep": ["</s>", 3], "cls": ["<s>", 2]})"));
  EXPECT_EQ(both(roberta, {7}, {9}).ids, (Ids{2, 7, 3, 3, 9, 3}));
  EXPECT_EQ(both(roberta, {7}, {9}).type_ids, (Ids{0, 0, 0, 0, 0, 0}));
}

TEST(PostProcessor, WithoutOneTextsFollowOneAnother) {
  EXPECT_EQ(both(processor_of(nullptr), {1}, {2}).ids, (Ids{1, 2}));
  EXPECT_EQ(both(PostProcessor(5, std::nullopt), {1}, {2}).ids, (Ids{5, 1, 5, 2}));
  EXPECT_EQ(processor_of(nullptr), PostProcessor());
}

TEST(PostProcessor, RefusesWhatItCannotDo) {
  const auto refused = [](const char* json) { EXPECT_THROW(processor_of(Json::parse(json)), Error) << json; };
  refused(R"({"type": "Other"})");
  refused(R"({"type": "BertProcessing", "sep": ["[SEP]", 300], "cls": ["[CLS]", 2]})");
  refused(R"({"type": "BertProcessing", "sep": "x"})");
  refused(R"({"type": "TemplateProcessing", "pair": []})");
  refused(R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x", "type_id": 0}}], "pair": [],
              "special_tokens": {}})");
  refused(R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "B", "type_id": 0}}], "pair": []})");
}

}  // namespace
}  // namespace limbeck::text
