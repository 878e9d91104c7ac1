#include "text/tokenizer_json.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/json.h"
#include "base/seeds.h"
#include "golden.h"

namespace limbeck::text {
namespace {

Json tiny() {
  return Json::parse(R"({
    "added_tokens": [{"id": 3, "content": "<s>", "special": true}],
    "normalizer": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "post_processor": null,
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})");
}

TokenizerSpec parsed(const Json& json) {
  return parse_tokenizer_json(json.dump(), "tokenizer.json");
}

void expect_refused(const Json& json, const std::string& part) {
  try {
    Tokenizer::from_spec(parsed(json));
    ADD_FAILURE() << "not refused: " << json.dump();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}
void expect_refused(const char* patch, const std::string& part) {
  Json json = tiny();
  json.merge_patch(Json::parse(patch));
  expect_refused(json, part);
}

TEST(ParseTokenizerJson, ReadsVocabularyMergesAndAddedTokens) {
  const TokenizerSpec spec = parsed(tiny());
  EXPECT_EQ(spec.tokens, (std::vector<std::string>{"a", "b", "ab"}));
  EXPECT_EQ(spec.merges.at(0), (std::pair<std::string, std::string>{"a", "b"}));
  EXPECT_EQ(spec.added.at(0).content, "<s>");
  EXPECT_TRUE(spec.added.at(0).special);
  EXPECT_FALSE(spec.added.at(0).normalized);
}

TEST(ParseTokenizerJson, ReadsMergesAsPairsToo) {
  Json json = tiny();
  json["model"]["merges"] = Json::parse(R"([["a", "b"]])");
  EXPECT_EQ(parsed(json).merges.at(0), (std::pair<std::string, std::string>{"a", "b"}));
}

TEST(ParseTokenizerJson, TellsThePreTokenizersApart) {
  const auto kind = [](const std::string& steps) {
    Json json = tiny();
    json["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", Json::parse(steps)}};
    return parsed(json).pre_tokenizer;
  };
  EXPECT_EQ(
      kind(R"([{"type": "Digits", "individual_digits": true}, {"type": "ByteLevel", "add_prefix_space": false}])"),
      PreTokenizer::kSmolLm);
  EXPECT_EQ(kind(R"([{"type": "ByteLevel", "add_prefix_space": false}])"), PreTokenizer::kGpt2);
}

TEST(ParseTokenizerJson, TheTemplateSaysWhatStandsAroundAText) {
  Json json = tiny();
  json["post_processor"] = Json::parse(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}})");
  const TokenizerSpec spec = parsed(json);
  EXPECT_TRUE(spec.add_bos);
  EXPECT_EQ(spec.bos, 3);
  EXPECT_FALSE(spec.add_eos);
}

TEST(ParseTokenizerJson, WhatIsNotPlainByteLevelBpeIsAPipeline) {
  const auto has_pipeline = [](const char* patch) {
    Json json = tiny();
    json.merge_patch(Json::parse(patch));
    return parsed(json).pipeline != nullptr;
  };
  EXPECT_FALSE(has_pipeline("{}"));
  EXPECT_FALSE(has_pipeline(R"({"normalizer": {"type": "NFC"}})"));
  EXPECT_TRUE(has_pipeline(R"({"normalizer": {"type": "Lowercase"}})"));
  EXPECT_TRUE(has_pipeline(R"({"model": {"byte_fallback": true}})"));
  EXPECT_TRUE(has_pipeline(R"({"model": {"end_of_word_suffix": "</w>"}})"));
  EXPECT_TRUE(has_pipeline(R"({"pre_tokenizer": {"use_regex": false}})"));
  EXPECT_TRUE(has_pipeline(R"({"pre_tokenizer": null})"));
  EXPECT_TRUE(has_pipeline(R"({"decoder": null})"));
  EXPECT_TRUE(has_pipeline(R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": "[a-z]+"}, "behavior": "Isolated", "invert": false},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}})"));
}

TEST(ParseTokenizerJson, ReadsTruncationAndPadding) {
  Json json = tiny();
  json["truncation"] = Json::parse(R"({"max_length": 128, "strategy": "OnlyFirst", "stride": 2, "direction": "Left"})");
  json["padding"] = Json::parse(R"({"strategy": {"Fixed": 64}, "direction": "Right", "pad_id": 1, "pad_type_id": 0,
                                    "pad_token": "b", "pad_to_multiple_of": 8})");
  const TokenizerSpec spec = parsed(json);
  EXPECT_EQ(spec.truncation->max_length, 128);
  EXPECT_EQ(spec.truncation->strategy, Truncation::Strategy::kOnlyFirst);
  EXPECT_TRUE(spec.truncation->from_left);
  EXPECT_EQ(spec.padding->length, 64);
  EXPECT_EQ(spec.padding->multiple_of, 8);
  EXPECT_EQ(spec.padding->id, 1);
  json["padding"]["strategy"] = "BatchLongest";
  EXPECT_FALSE(parsed(json).padding->length);
}

TEST(ParseTokenizerJson, RefusesByNameAndPlaceWhatItCannotCompute) {
  expect_refused(R"({"model": {"type": "WordLevel"}})",
                 "model: expected BPE, Unigram or WordPiece but received WordLevel, which is not supported");
  expect_refused(R"({"model": {"dropout": 0.1}})", "dropout");
  expect_refused(R"({"normalizer": {"type": "Rot13"}})",
                 "normalizer: expected a normalizer that this program knows but received Rot13");
  expect_refused(R"({"pre_tokenizer": {"type": "UnicodeScripts"}})", "received UnicodeScripts, which is not supported");
  expect_refused(R"({"post_processor": {"type": "Other"}})", "received Other, which is not supported");
  expect_refused(R"({"decoder": {"type": "CTC"}})", "decoder: expected a decoder that this program knows");
  expect_refused(R"({"truncation": {"max_length": -1}})", "truncation: expected a whole number");
  expect_refused(R"({"padding": {"strategy": "Never"}})", "padding: expected BatchLongest or a Fixed length");
  expect_refused(R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
      {"type": "Split", "pattern": {"Regex": "(?<=a)b"}, "behavior": "Isolated", "invert": false},
      {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}})",
                 "the regular expression '(?<=a)b', byte 0: this kind of group is not supported");
}

TEST(ParseTokenizerJson, RefusesBrokenFiles) {
  expect_refused(R"({"model": null})", "'model': expected an object");
  expect_refused(R"({"model": {"vocab": [1]}})", "'vocab': expected an object but received array");
  expect_refused(R"({"model": {"vocab": {"a": "x"}}})", "vocab token 'a': expected an id but received string");
  expect_refused(R"({"model": {"vocab": {"a": -1}}})", "but received -1");
  expect_refused(R"({"model": {"vocab": {"a": 1000000000}}})", "but received 1000000000");
  expect_refused(R"({"model": {"vocab": {"a": 18446744073709551615}}})", "but received 18446744073709551615");
  expect_refused(R"({"model": {"vocab": {"a": 1.5}}})", "expected an id but received number");
  expect_refused(R"({"model": {"vocab": {"b": 0}}})", "have the same id 0");
  expect_refused(R"({"model": {"merges": {}}})", "'merges': expected an array but received object");
  expect_refused(R"({"model": {"merges": ["ab"]}})",
                 "merge 0: expected two tokens with a space between but received 'ab'");
  expect_refused(R"({"model": {"merges": [["a"]]}})", "merge 0: expected a pair of tokens");
  expect_refused(R"({"model": {"merges": ["a x"]}})", "'x' is not in the vocabulary");
  expect_refused(R"({"model": {"merges": ["b a"]}})", "'ba' is not in the vocabulary");
  expect_refused(R"({"model": {"unk_token": "<unk>"}})", "unk_token '<unk>' is not in the vocabulary");
  expect_refused(R"({"model": {"ignore_merges": 1}})", "'ignore_merges': expected true or false but received number");
  expect_refused(R"({"added_tokens": {}})", "'added_tokens': expected an array but received object");
  expect_refused(R"({"added_tokens": [1]})", "'added_tokens': expected objects but received number");
  expect_refused(R"({"added_tokens": [{"id": 3}]})",
                 "'content' of an added token: expected a string but received nothing");
  expect_refused(R"({"added_tokens": [{"id": 9, "content": "<s>"}]})",
                 "added token '<s>': expected the id 3 but received 9");
  expect_refused(R"({"added_tokens": [{"id": 3, "content": "ab"}]})",
                 "added token 'ab': expected the id 2 but received 3");
  expect_refused(R"({"post_processor": {"type": "TemplateProcessing"}})",
                 "post_processor: expected an array 'single' but received nothing");
  expect_refused(R"({"model": {"type": "Unigram"}})", "'vocab': expected an array of tokens with scores");
}

TEST(ParseTokenizerJson, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "[]", "3", "{\"model\": \"\xFF\"}", "null"})
    EXPECT_THROW(parse_tokenizer_json(text, "tokenizer.json"), Error) << text;
}

TEST(ParseTokenizerJson, ADamagedFileIsReadOrRefusedButNeverCrashes) {
  const std::string whole = read_file(golden::folder() / "marked/tokenizer.json");
  Random random{Seed(6)};
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string damaged = whole;
    for (int hit = 0; hit < 3; ++hit) {
      // most of the file is the vocabulary; half of the damage goes to what stands before it
      const auto at = random.below(random.below(2) ? damaged.size() : 3000);
      if (random.below(2)) {
        damaged[at] = "{}[]\",:0919-eax\\"[random.below(16)];
      } else {
        damaged.erase(at, random.below(30));
      }
    }
    try {
      Tokenizer::from_spec(parse_tokenizer_json(damaged, "tokenizer.json"))->encode("Some text <mark> é 12");
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace limbeck::text
