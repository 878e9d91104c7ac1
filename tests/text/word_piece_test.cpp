#include <gtest/gtest.h>

#include "base/errors.h"
#include "text/subword_model.h"

namespace limbeck::text {
namespace {

TokenizerSpec word_piece_spec(int64_t longest = 100) {
  TokenizerSpec spec;
  spec.tokens = {"[UNK]", "un", "##aff", "##able", "able", "##a", "un##x", "é", "##é"};
  spec.pipeline = std::make_shared<const Pipeline>(
      Pipeline{.model = ModelKind::kWordPiece, .unknown = 0, .continuing_prefix = "##", .longest_word = longest});
  return spec;
}

std::vector<int32_t> word_piece_ids(std::string_view word, const TokenizerSpec& spec = word_piece_spec()) {
  std::vector<int32_t> ids;
  make_word_piece(spec, "test")->encode(word, ids);
  return ids;
}

TEST(WordPiece, TakesTheLongestBeginningAndThenContinuations) {
  EXPECT_EQ(word_piece_ids("unaffable"), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(word_piece_ids("unable"), (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(word_piece_ids("éé"), (std::vector<int32_t>{7, 8}));
}

TEST(WordPiece, AWordWithAPartLeftOverIsUnknownAsAWhole) {
  EXPECT_EQ(word_piece_ids("unx"), (std::vector<int32_t>{0}));
  EXPECT_EQ(word_piece_ids("unaff."), (std::vector<int32_t>{0}));
  EXPECT_EQ(word_piece_ids("x"), (std::vector<int32_t>{0}));
}

TEST(WordPiece, AWordOfTooManyCharactersIsUnknown) {
  EXPECT_EQ(word_piece_ids("éé", word_piece_spec(2)), (std::vector<int32_t>{7, 8}));
  EXPECT_EQ(word_piece_ids("ééé", word_piece_spec(2)), (std::vector<int32_t>{0}));
}

TEST(WordPiece, NeedsAnUnknownToken) {
  TokenizerSpec spec = word_piece_spec();
  spec.pipeline = std::make_shared<const Pipeline>(Pipeline{.model = ModelKind::kWordPiece});
  EXPECT_THROW(make_word_piece(spec, "test"), Error);
}

}  // namespace
}  // namespace limbeck::text
