#include "text/gguf_vocabulary.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "tiny_vocabulary.h"

namespace limbeck::text {
namespace {

GgufVocabulary tiny_gguf() {
  GgufVocabulary v;
  v.model = "gpt2";
  v.pre = "smollm";
  const TokenizerSpec spec = tiny_spec();
  v.tokens = spec.tokens;
  for (const auto& [left, right] : spec.merges) v.merges.push_back(left + " " + right);
  v.tokens.insert(v.tokens.end(), {"<|im_start|>", "<tool>"});
  v.token_types.assign(v.tokens.size(), 1);
  v.token_types[263] = 3;  // control
  v.token_types[264] = 4;  // user defined
  return v;
}

std::string refusal_of(GgufVocabulary v) {
  try {
    spec_from_gguf(std::move(v), "a.gguf");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(SpecFromGguf, ControlTokensAreSpecialAndUserDefinedOnesAreNot) {
  const auto tokenizer = Tokenizer::from_spec(spec_from_gguf(tiny_gguf(), "a.gguf"));
  EXPECT_EQ(tokenizer->encode("<|im_start|>hello<tool>"), (std::vector<int32_t>{263, 259, 264}));
  EXPECT_TRUE(tokenizer->is_special(263));
  EXPECT_FALSE(tokenizer->is_special(264));
}

TEST(SpecFromGguf, BosIsAddedWhereTheMetadataSaysSoAndForLlama3WhereItSaysNothing) {
  GgufVocabulary v = tiny_gguf();
  v.bos = 263;
  EXPECT_FALSE(spec_from_gguf(v, "a.gguf").add_bos);
  v.add_bos = true;
  EXPECT_TRUE(spec_from_gguf(v, "a.gguf").add_bos);
  v.pre = "llama-bpe";
  v.add_bos.reset();
  EXPECT_TRUE(spec_from_gguf(v, "a.gguf").add_bos);
  v.add_bos = false;
  EXPECT_FALSE(spec_from_gguf(v, "a.gguf").add_bos);
}

TEST(SpecFromGguf, Qwen2NormalisesAndLlama3TakesWholeWordsFirst) {
  GgufVocabulary v = tiny_gguf();
  v.pre = "qwen2";
  EXPECT_TRUE(spec_from_gguf(v, "a.gguf").nfc);
  EXPECT_FALSE(spec_from_gguf(v, "a.gguf").ignore_merges);
  v.pre = "llama-bpe";
  EXPECT_FALSE(spec_from_gguf(v, "a.gguf").nfc);
  EXPECT_TRUE(spec_from_gguf(v, "a.gguf").ignore_merges);
}

TEST(SpecFromGguf, RefusesWhatItCannotCompute) {
  GgufVocabulary v = tiny_gguf();
  v.model = "rwkv";
  EXPECT_NE(refusal_of(v).find("expected gpt2 (byte-level BPE), llama, t5 or bert but received 'rwkv'"),
            std::string::npos);
  v = tiny_gguf();
  v.pre = "tekken";
  EXPECT_NE(refusal_of(v).find("but received 'tekken', which is not supported"), std::string::npos);
}

TEST(SpecFromGguf, RefusesArraysThatDisagree) {
  GgufVocabulary v = tiny_gguf();
  v.token_types.pop_back();
  EXPECT_NE(refusal_of(v).find("token_type: expected 265 entries, one a token, but received 264"), std::string::npos);
  v = tiny_gguf();
  v.merges[3] = "onlyone";
  EXPECT_NE(refusal_of(v).find("merge 3: expected two tokens with a space between but received 'onlyone'"),
            std::string::npos);
  v = tiny_gguf();
  v.eos = 265;
  EXPECT_NE(refusal_of(v).find("eos_token_id: expected an id below the vocabulary's size 265 but received 265"),
            std::string::npos);
  v = tiny_gguf();
  v.tokens[263] = "";
  EXPECT_NE(refusal_of(v).find("token 263: expected a text for a special token"), std::string::npos);
}

TEST(PreTokenizerOfGguf, KnowsTheNamesOfItsFourExpressions) {
  EXPECT_EQ(pre_tokenizer_of_gguf("gpt-2", "x"), PreTokenizer::kGpt2);
  EXPECT_EQ(pre_tokenizer_of_gguf("default", "x"), PreTokenizer::kGpt2);
  EXPECT_EQ(pre_tokenizer_of_gguf("", "x"), PreTokenizer::kGpt2);
  EXPECT_EQ(pre_tokenizer_of_gguf("llama-bpe", "x"), PreTokenizer::kLlama3);
  EXPECT_EQ(pre_tokenizer_of_gguf("qwen2", "x"), PreTokenizer::kQwen2);
  EXPECT_EQ(pre_tokenizer_of_gguf("smollm", "x"), PreTokenizer::kSmolLm);
}

}  // namespace
}  // namespace limbeck::text
