#include <gtest/gtest.h>

#include <cmath>

#include "base/errors.h"
#include "golden.h"
#include "text/gguf_vocabulary.h"
#include "text/sentencepiece_model.h"

namespace limbeck::text {
namespace {

using Ids = std::vector<int32_t>;

GgufVocabulary gguf_of_spm() {
  const SentencePieceModel model =
      parse_sentencepiece_model(read_file(golden::folder() / "families/spm/tokenizer.model"), "tokenizer.model");
  GgufVocabulary v;
  v.model = "llama";
  for (const auto& piece : model.pieces) {
    v.tokens.push_back(piece.text);
    v.scores.push_back(piece.score);
    v.token_types.push_back(int32_t(piece.kind));
  }
  v.bos = 1;
  v.eos = 2;
  return v;
}

TEST(GgufSentencePiece, LlamaVocabulariesGiveTheIdsOfTheSentencePieceFile) {
  const auto ours = Tokenizer::from_spec(spec_from_gguf(gguf_of_spm(), "a.gguf"));
  const auto theirs = Tokenizer::from_folder(golden::folder() / "families/spm");
  const auto texts = golden::corpus();
  for (std::size_t i = 0; i < texts.size(); i += 23)
    if (!texts[i].starts_with(" ") && texts[i].find_first_of("<[") == std::string::npos)
      EXPECT_EQ(ours->encode(texts[i]), theirs->encode(texts[i])) << i;
}

// llama.cpp puts a space before each stretch of text and looks at nothing else (llama-vocab.cpp, llm_tokenizer_spm);
// Transformers adds no mark where there is one.
TEST(GgufSentencePiece, ATextThatBeginsWithASpaceHasTwoMarksAsInLlamaCpp) {
  const auto ours = Tokenizer::from_spec(spec_from_gguf(gguf_of_spm(), "a.gguf"));
  EXPECT_EQ(ours->decode(ours->encode_rendered(" the")), " the");
  EXPECT_NE(ours->encode_rendered(" the"), ours->encode_rendered("the"));
  Ids two = ours->encode_rendered("the</s>the"), one = ours->encode_rendered("the");
  EXPECT_EQ(Ids(two.end() - static_cast<std::ptrdiff_t>(one.size()), two.end()), one) << "a mark after </s> too";
}

TEST(GgufSentencePiece, RefusesArraysThatDoNotFit) {
  const auto refused = [](auto change) {
    GgufVocabulary v = gguf_of_spm();
    change(v);
    EXPECT_THROW(spec_from_gguf(std::move(v), "a.gguf"), Error);
  };
  refused([](GgufVocabulary& v) { v.scores.pop_back(); });
  refused([](GgufVocabulary& v) { v.token_types.clear(); });
  refused([](GgufVocabulary& v) { v.token_types[5] = 9; });
  refused([](GgufVocabulary& v) { v.scores[5] = INFINITY; });
  refused([](GgufVocabulary& v) { v.bos = 100000; });
}

TEST(GgufSentencePiece, T5IsUnigramThatEndsTexts) {
  GgufVocabulary v;
  v.model = "t5";
  v.tokens = {"<pad>", "</s>", "<unk>", "▁a", "b"};
  v.scores = {0, 0, 0, -1, -2};
  v.token_types = {3, 3, 2, 1, 1};
  v.eos = 1;
  EXPECT_EQ(Tokenizer::from_spec(spec_from_gguf(v, "a.gguf"))->encode(" ab  a"), (Ids{3, 4, 3, 1}));
}

TEST(GgufWordPiece, TokensAreBertsWithTheirMarksTheOtherWayRound) {
  GgufVocabulary v;
  v.model = "bert";
  v.tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁hi", "s"};
  v.token_types = {3, 3, 3, 3, 1, 1};
  v.cls = 2;
  v.sep = 3;
  EXPECT_EQ(Tokenizer::from_spec(spec_from_gguf(v, "a.gguf"))->encode("His"), (Ids{2, 4, 5, 3}));
  v.cls = 1;
  EXPECT_THROW(spec_from_gguf(v, "a.gguf"), Error);
}

}  // namespace
}  // namespace limbeck::text
