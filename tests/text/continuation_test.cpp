#include "text/continuation.h"

#include <gtest/gtest.h>

#include "golden.h"
#include "text/tiny_vocabulary.h"

namespace limbeck::text {
namespace {

using Ids = std::vector<int32_t>;
using Special = Continuation::Special;

// Families whose texts get a mark: Prepend (every stretch), Metaspace "first", SentencePiece's own file.
class Continued : public testing::TestWithParam<const char*> {
 protected:
  std::shared_ptr<const Tokenizer> tokenizer_ = Tokenizer::from_folder(golden::folder() / "families" / GetParam());
  Continuation continuation_{*tokenizer_};

  Ids in_pieces(std::string_view first, std::string_view second) const {
    Ids ids = continuation_.encode(first, {}, Special::kText);
    const Ids more = continuation_.encode(second, ids.back(), Special::kText);
    ids.insert(ids.end(), more.begin(), more.end());
    return ids;
  }
};
INSTANTIATE_TEST_SUITE_P(Families, Continued, testing::Values("llama2", "mistral", "spm"));

TEST_P(Continued, IsAsTheWholeTextWhereNothingMergesAcross) {
  for (const auto& [first, second] : {std::pair("The quick brown", " fox jumps"), {"2 + 2 =", "\n4"}, {"x =", " 1"}})
    EXPECT_EQ(in_pieces(first, second), tokenizer_->encode_ordinary(std::string(first) + second)) << second;
}

TEST_P(Continued, HasTheTextOfItsPieces) {
  for (const auto& [first, second] :
       {std::pair("2 + 2 =", "4"), {"un", "believable"}, {"a\n", "b"}, {"tab", "\ud55c\uae00"}, {"so", "  wide"}})
    EXPECT_EQ(tokenizer_->decode(in_pieces(first, second)), std::string(first) + second);
}

TEST_P(Continued, BeginsATextWithItsMark) {
  EXPECT_EQ(continuation_.encode("4", {}, Special::kText), tokenizer_->encode_ordinary("4"));
  EXPECT_NE(continuation_.encode("4", 100, Special::kText), tokenizer_->encode_ordinary("4"));
}

TEST(ContinuedStretches, AfterAddedTokensAreMarkedWhereTheTokenizerMarksThem) {
  const auto whole_in_pieces = [](const char* family, std::string_view first, std::string_view second) {
    const auto tokenizer = Tokenizer::from_folder(golden::folder() / "families" / family);
    const Continuation continuation(*tokenizer);
    Ids ids = continuation.encode(first, {}, Special::kFind);
    const Ids more = continuation.encode(second, ids.back(), Special::kFind);
    ids.insert(ids.end(), more.begin(), more.end());
    EXPECT_EQ(ids, tokenizer->encode_rendered(std::string(first) + std::string(second))) << family << " " << second;
  };
  for (const char* family : {"llama2", "mistral"}) {
    whole_in_pieces(family, "ask</s>", "answer");        // the piece begins behind an added token
    whole_in_pieces(family, "ask", "\nmore</s>answer");  // and one stands inside it
    whole_in_pieces(family, "ask", "</s>answer");
  }
}

TEST(ContinuedTokenizers, WithoutMarksAreLeftAlone) {
  const auto gemma = Tokenizer::from_folder(golden::folder() / "families/gemma");
  EXPECT_EQ(Continuation(*gemma).encode("word", 100, Special::kText), gemma->encode_ordinary("word"));
  const auto t5 = Tokenizer::from_folder(golden::folder() / "families/t5");  // marks words, each by itself
  EXPECT_EQ(Continuation(*t5).encode("two words", 100, Special::kText), t5->encode_ordinary("two words"));
  TokenizerSpec spec = tiny_spec();
  const auto plain = Tokenizer::from_spec(spec);
  EXPECT_EQ(Continuation(*plain).encode("world", 5, Special::kText), plain->encode_ordinary("world"));
  spec.add_prefix_space = true;
  const auto spaced = Tokenizer::from_spec(spec);
  EXPECT_EQ(Continuation(*spaced).encode("world", 5, Special::kText), plain->encode_ordinary("world"));
  EXPECT_EQ(Continuation(*spaced).encode("world", {}, Special::kText), plain->encode_ordinary(" world"));
}

}  // namespace
}  // namespace limbeck::text
