#include "text/pipeline_tokenizer.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "text/components_json.h"
#include "text/sentencepiece_model.h"

namespace limbeck::text {
namespace {

using Ids = std::vector<int32_t>;

// Ids: <unk> <s> </s> ▁ a b ▁a ab, and the bytes from 8 on.
TokenizerSpec small_llama() {
  SentencePieceModel model{
      .algorithm = SentencePieceModel::Algorithm::kBpe, .byte_fallback = true, .remove_extra_whitespaces = false};
  using Kind = SentencePieceModel::PieceKind;
  model.pieces = {{"<unk>", 0, Kind::kUnknown},
                  {"<s>", 0, Kind::kControl},
                  {"</s>", 0, Kind::kControl},
                  {"▁", -3},
                  {"a", -4},
                  {"b", -5},
                  {"▁a", -1},
                  {"ab", -2}};
  for (int b = 0; b < 256; ++b) model.pieces.push_back({fmt::format("<0x{:02X}>", b), 0, Kind::kByte});
  return spec_from_sentencepiece(std::move(model), {}, "test");
}

TEST(PipelineTokenizer, EncodesWithWhatStandsAround) {
  const auto tokenizer = Tokenizer::from_spec(small_llama());
  EXPECT_EQ(tokenizer->encode("a ab"), (Ids{1, 6, 6, 5}));
  EXPECT_EQ(tokenizer->encode_rendered("<s>a"), (Ids{1, 4}));  // the mark stands before the whole text only
  EXPECT_EQ(tokenizer->encode_ordinary("a"), (Ids{6}));
  EXPECT_EQ(tokenizer->encode(""), (Ids{1}));
  EXPECT_EQ(tokenizer->encode("\n"), (Ids{1, 3, 8 + 10}));
}

TEST(PipelineTokenizer, SpecialTokensInOrdinaryTextAreText) {
  const auto ids = Tokenizer::from_spec(small_llama())->encode_ordinary("<s>");
  EXPECT_EQ(ids, (Ids{3, 8 + '<', 8 + 's', 8 + '>'}));
}

TEST(PipelineTokenizer, GivesTextsBack) {
  const auto tokenizer = Tokenizer::from_spec(small_llama());
  for (const char* text : {"a ab", "é", "", "b\n"}) EXPECT_EQ(tokenizer->decode(tokenizer->encode(text), true), text);
  EXPECT_EQ(tokenizer->decode(Ids{1, 6, -1, 9999}, false), "<s> a");
  EXPECT_EQ(tokenizer->token_bytes(6), " a");
  EXPECT_EQ(tokenizer->token_bytes(8 + 10), "\n");
  EXPECT_EQ(tokenizer->token_bytes(-1), "");
  EXPECT_TRUE(tokenizer->is_special(1));
  EXPECT_EQ(tokenizer->id_of("▁a"), 6);
}

TEST(PipelineTokenizer, ManyWordsAreOneByOneWhatTheyAreTogether) {  // words are cut where no merge goes across
  const auto tokenizer = Tokenizer::from_spec(small_llama());
  Ids ids = {1};
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += i ? " ab" : "ab";
    ids.insert(ids.end(), {6, 5});
  }
  EXPECT_EQ(tokenizer->encode(text), ids);
}

TEST(PipelineTokenizer, RefusesAddedTokensThatNormalisingMakesEqualOrEmpty) {
  TokenizerSpec spec = small_llama();
  Pipeline pipeline = *spec.pipeline;
  pipeline.normalizer = {{"type", "Lowercase"}};
  spec.pipeline = std::make_shared<const Pipeline>(pipeline);
  spec.added.push_back({.id = 264, .content = "X", .normalized = true});
  EXPECT_NO_THROW(Tokenizer::from_spec(spec));
  spec.added.push_back({.id = 265, .content = "x", .normalized = true});
  EXPECT_THROW(Tokenizer::from_spec(spec), Error);
}

TEST(PipelineTokenizer, RefusesIdsOutsideOfTheVocabulary) {
  TokenizerSpec spec = small_llama();
  spec.eos = 5000;
  EXPECT_THROW(Tokenizer::from_spec(spec), Error);
}

TEST(CheckPipeline, NamesTheComponentThatIsNotKnown) {
  Pipeline pipeline;
  pipeline.decoder = {{"type", "CTC"}};
  EXPECT_THROW(check_pipeline(pipeline, "tokenizer.json"), UserError);
}

}  // namespace
}  // namespace limbeck::text
