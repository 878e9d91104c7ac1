#include <gtest/gtest.h>

#include "base/errors.h"
#include "text/sentencepiece_model.h"

namespace limbeck::text {
namespace {

using Kind = SentencePieceModel::PieceKind;
using Ids = std::vector<int32_t>;

SentencePieceModel bpe_pieces() {
  SentencePieceModel model{.algorithm = SentencePieceModel::Algorithm::kBpe, .remove_extra_whitespaces = false};
  model.pieces = {{"<unk>", 0, Kind::kUnknown},
                  {"<s>", 0, Kind::kControl},
                  {"</s>", 0, Kind::kControl},
                  {"a", -9},
                  {"b", -9},
                  {"▁", -9},
                  {"ab", -1},
                  {"▁ab", -2},
                  {"aba", -3},
                  {"<x>", 0, Kind::kUserDefined}};
  return model;
}

SentencePieceModel unigram_pieces() {
  SentencePieceModel model;
  model.pieces = {{"<pad>", 0, Kind::kControl},
                  {"</s>", 0, Kind::kControl},
                  {"<unk>", 0, Kind::kUnknown},
                  {"▁a", -1},
                  {"b", -2},
                  {"▁", -3},
                  {"[CLS]", 0, Kind::kControl},
                  {"[SEP]", 0, Kind::kControl}};
  return model;
}

TEST(SentencePieceSpec, MergesAreAllWaysToSplitAPieceBestScoreFirst) {
  const auto merges = spec_from_sentencepiece(bpe_pieces(), {}, "m").merges;
  EXPECT_EQ(merges, (std::vector<std::pair<std::string, std::string>>{{"a", "b"}, {"▁", "ab"}, {"ab", "a"}}));
}

TEST(SentencePieceSpec, AMarkGoesBeforeTheTextWhereTheFileOrTheSettingsSaySo) {
  SentencePieceModel model = bpe_pieces();
  EXPECT_EQ(Tokenizer::from_spec(spec_from_sentencepiece(model, {}, "m"))->encode("ab<x>ab"), (Ids{1, 7, 9, 6}));
  EXPECT_EQ(Tokenizer::from_spec(spec_from_sentencepiece(model, {.legacy = true}, "m"))->encode("ab<x>ab"),
            (Ids{1, 7, 9, 7}));
  EXPECT_EQ(Tokenizer::from_spec(spec_from_sentencepiece(model, {.add_prefix_space = false}, "m"))->encode("ab"),
            (Ids{1, 6}));
  model.add_dummy_prefix = false;
  EXPECT_EQ(
      Tokenizer::from_spec(spec_from_sentencepiece(model, {.add_bos = false, .add_eos = true}, "m"))->encode("ab"),
      (Ids{6, 2}));
}

TEST(SentencePieceSpec, ExtraSpacesGoWhereTheFileSaysSo) {
  SentencePieceModel model = bpe_pieces();
  model.remove_extra_whitespaces = true;
  EXPECT_EQ(Tokenizer::from_spec(spec_from_sentencepiece(model, {}, "m"))->encode("  ab   ab "), (Ids{1, 7, 7}));
}

TEST(SentencePieceSpec, T5EndsTextsAndHasExtraTokens) {
  const auto tokenizer = Tokenizer::from_spec(
      spec_from_sentencepiece(unigram_pieces(), {.family = SentencePieceSettings::Family::kT5, .extra_ids = 2}, "m"));
  EXPECT_EQ(tokenizer->encode("ab <extra_id_0>"), (Ids{3, 4, 9, 1}));
  EXPECT_EQ(tokenizer->vocab_size(), 10);
}

TEST(SentencePieceSpec, AlbertStandsBetweenItsTokensInLowerCase) {
  const auto tokenizer = Tokenizer::from_spec(
      spec_from_sentencepiece(unigram_pieces(), {.family = SentencePieceSettings::Family::kAlbert}, "m"));
  EXPECT_EQ(tokenizer->encode("ÁB"), (Ids{6, 3, 4, 7}));
}

TEST(SentencePieceSpec, NeedsAnUnknownPiece) {
  SentencePieceModel model = bpe_pieces();
  model.pieces[0].kind = Kind::kNormal;
  EXPECT_THROW(spec_from_sentencepiece(model, {}, "m"), Error);
}

}  // namespace
}  // namespace limbeck::text
