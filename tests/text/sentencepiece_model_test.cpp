#include "text/sentencepiece_model.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/seeds.h"
#include "golden.h"

namespace limbeck::text {
namespace {

std::string spm_file() {
  return read_file(golden::folder() / "families/spm/tokenizer.model");
}

TEST(SentencePieceModel, ReadsPiecesWithScoresAndKinds) {
  const SentencePieceModel model = parse_sentencepiece_model(spm_file(), "tokenizer.model");
  ASSERT_EQ(model.pieces.size(), 1300u);
  EXPECT_EQ(model.pieces[0].text, "<unk>");
  EXPECT_EQ(model.pieces[0].kind, SentencePieceModel::PieceKind::kUnknown);
  EXPECT_EQ(model.pieces[3].text, "<0x00>");
  EXPECT_EQ(model.pieces[3].kind, SentencePieceModel::PieceKind::kByte);
  EXPECT_EQ(model.pieces[262].score, -3);
  EXPECT_EQ(model.algorithm, SentencePieceModel::Algorithm::kBpe);
  EXPECT_TRUE(model.byte_fallback);
  EXPECT_FALSE(model.remove_extra_whitespaces);
  EXPECT_EQ(model.bos, 1);
}

TEST(SentencePieceModel, SkipsFieldsItDoesNotKnow) {
  const std::string unknown("\x9A\x06\x03xyz\xA0\x06\x05", 9);
  EXPECT_EQ(parse_sentencepiece_model(spm_file() + unknown, "m").pieces.size(), 1300u);
}

TEST(SentencePieceModel, RefusesOtherAlgorithms) {
  const std::string piece("\x0A\x03\x0A\x01x", 5);
  EXPECT_THROW(parse_sentencepiece_model(piece + std::string("\x12\x02\x18\x03", 4), "m"), UserError);
  EXPECT_NO_THROW(parse_sentencepiece_model(piece + std::string("\x12\x02\x18\x02", 4), "m"));
}

TEST(SentencePieceModel, RefusesBrokenFilesByTheByte) {
  for (const std::string& bytes :
       {std::string(), std::string("\x0A", 1), std::string("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 10),
        std::string("\x0B", 1), std::string(12, '\xFF'), std::string("\x0A\x03\x0A\x01\xFF", 5)})
    EXPECT_THROW(parse_sentencepiece_model(bytes, "m"), Error);
}

TEST(SentencePieceModel, ADamagedFileIsReadOrRefusedButNeverCrashes) {
  const std::string whole = spm_file();
  Random random{Seed(9)};
  for (int round = 0; round < 200; ++round) {
    std::string damaged = whole.substr(0, 500 + random.below(whole.size() - 500));
    for (int hit = 0; hit < 5; ++hit) damaged[random.below(damaged.size())] = char(random.below(256));
    try {
      Tokenizer::from_spec(spec_from_sentencepiece(parse_sentencepiece_model(damaged, "m"), {}, "m"))->encode("a é 12");
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace limbeck::text
