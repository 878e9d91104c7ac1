#include <gtest/gtest.h>

#include "text/gguf_vocabulary.h"
#include "text/tiny_vocabulary.h"

namespace limbeck::text {
namespace {

TokenizerSpec marked_spec(PreTokenizer kind) {
  TokenizerSpec spec = tiny_spec();
  spec.pre_tokenizer = kind;
  const auto next = static_cast<int32_t>(spec.tokens.size());
  spec.tokens.push_back("<s>");
  spec.added = {{.id = next, .content = "<s>", .special = true}, {.id = next + 2, .content = "<user>"}};
  spec.bos = spec.eos = next;
  spec.add_bos = true;
  spec.chat_template = "{{ messages }}";
  return spec;
}

class WrittenVocabulary : public testing::TestWithParam<PreTokenizer> {};
INSTANTIATE_TEST_SUITE_P(Kinds, WrittenVocabulary,
                         testing::Values(PreTokenizer::kGpt2, PreTokenizer::kLlama3, PreTokenizer::kQwen2,
                                         PreTokenizer::kSmolLm));

TEST_P(WrittenVocabulary, GivesTheSameIdsWhenItIsReadBack) {
  const TokenizerSpec spec = marked_spec(GetParam());
  const auto before = Tokenizer::from_spec(spec);
  const auto after = Tokenizer::from_spec(spec_from_gguf(gguf_from_spec(spec, 300), "x.gguf"));
  for (const char* text :
       {"hello world", "he said: 12345 <user>hello<s>", " wor\n\n\tll", "\xc3\xa4\xf0\x9f\x8d\xb5"}) {
    EXPECT_EQ(after->encode(text), before->encode(text)) << text;
    EXPECT_EQ(after->encode_ordinary(text), before->encode_ordinary(text)) << text;
  }
  EXPECT_EQ(after->spec().bos, spec.bos);
  EXPECT_EQ(after->spec().chat_template, spec.chat_template);
  EXPECT_TRUE(after->is_special(*spec.bos));
}

TEST(WrittenVocabularySize, IsThatOfTheEmbeddingWithUnusedTokensInTheHoles) {
  const TokenizerSpec spec = marked_spec(PreTokenizer::kGpt2);
  const GgufVocabulary v = gguf_from_spec(spec, 300);
  ASSERT_EQ(v.tokens.size(), 300u);
  ASSERT_EQ(v.token_types.size(), 300u);
  EXPECT_EQ(v.tokens[264], "[PAD264]");  // between "<s>" and "<user>"
  EXPECT_EQ(v.token_types[264], 5);
  EXPECT_EQ(v.token_types[263], 3);
  EXPECT_EQ(v.token_types[265], 4);
  EXPECT_EQ(v.tokens[299], "[PAD299]");
  EXPECT_EQ(v.merges.front(), "h e");
}

}  // namespace
}  // namespace limbeck::text
