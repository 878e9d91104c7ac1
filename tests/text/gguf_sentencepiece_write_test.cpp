#include <gtest/gtest.h>

#include "base/message_of.h"
#include "golden.h"
#include "text/gguf_vocabulary.h"

namespace limbeck::text {
namespace {

class WrittenSentencePiece : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, WrittenSentencePiece, testing::Values("gemma", "llama2", "mistral", "spm"));

TEST_P(WrittenSentencePiece, GivesTheSameIdsWhenItIsReadBack) {
  const auto before = Tokenizer::from_folder(golden::folder() / "families" / GetParam());
  const GgufVocabulary v = gguf_from_spec(before->spec(), before->vocab_size());
  EXPECT_EQ(v.model, "llama");
  const auto after = Tokenizer::from_spec(spec_from_gguf(v, "x.gguf"));
  const auto texts = golden::corpus();
  for (std::size_t i = 0; i < texts.size(); i += 23)
    if (!texts[i].starts_with(" ") && texts[i].find_first_of("<[") == std::string::npos)
      EXPECT_EQ(after->encode(texts[i]), before->encode(texts[i])) << i;
}

TEST(WrittenSentencePieces, AreOfTheKindsThatLlamaCppHas) {
  const auto gemma = Tokenizer::from_folder(golden::folder() / "families/gemma");
  const GgufVocabulary v = gguf_from_spec(gemma->spec(), gemma->vocab_size() + 2);
  EXPECT_EQ(v.token_types[static_cast<std::size_t>(*gemma->id_of("<bos>"))], 3);
  EXPECT_EQ(v.token_types[static_cast<std::size_t>(*gemma->id_of("<unk>"))], 2);
  EXPECT_EQ(v.token_types[static_cast<std::size_t>(*gemma->id_of("<0x0A>"))], 6);
  EXPECT_EQ(v.token_types[static_cast<std::size_t>(*gemma->id_of("\n\n"))], 4);
  EXPECT_EQ(v.token_types.back(), 5);
  EXPECT_EQ(v.tokens.size(), static_cast<std::size_t>(gemma->vocab_size() + 2));
  EXPECT_EQ(v.add_space_prefix, false);
  EXPECT_EQ(v.add_bos, true);
  EXPECT_EQ(v.add_eos, false);
}

TEST(WrittenSentencePieces, RefuseWhatSentencePieceWouldEncodeOtherwise) {
  const auto refused = [](const TokenizerSpec& spec) {
    return message_of<UserError>([&] { gguf_from_spec(spec, static_cast<int64_t>(spec.tokens.size())); });
  };
  const auto unigram = Tokenizer::from_folder(golden::folder() / "families/t5");
  EXPECT_NE(refused(unigram->spec()).find("but received Unigram"), std::string::npos);
  const auto word_piece = Tokenizer::from_folder(golden::folder() / "families/cased");
  EXPECT_NE(refused(word_piece->spec()).find("but received WordPiece"), std::string::npos);
  const auto gemma = Tokenizer::from_folder(golden::folder() / "families/gemma");
  TokenizerSpec lower_case = gemma->spec();
  Pipeline pipeline = *lower_case.pipeline;
  pipeline.normalizer = {{"type", "Sequence"}, {"normalizers", {{{"type", "Lowercase"}}, pipeline.normalizer}}};
  lower_case.pipeline = std::make_shared<const Pipeline>(pipeline);
  EXPECT_NE(refused(lower_case).find("whose ids SentencePiece would not give"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::text
