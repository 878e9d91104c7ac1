#include <gtest/gtest.h>

#include "base/errors.h"
#include "text/subword_model.h"

namespace limbeck::text {
namespace {

TokenizerSpec character_bpe_spec(std::vector<std::string> tokens,
                                 std::vector<std::pair<std::string, std::string>> merges, Pipeline settings) {
  TokenizerSpec spec;
  spec.tokens = std::move(tokens);
  spec.merges = std::move(merges);
  spec.pipeline = std::make_shared<const Pipeline>(std::move(settings));
  return spec;
}

std::vector<int32_t> character_bpe_ids(const TokenizerSpec& spec, std::string_view piece) {
  std::vector<int32_t> ids;
  make_character_bpe(spec, "test")->encode(piece, ids);
  return ids;
}

TEST(CharacterBpe, JoinsCharactersByRank) {
  const auto spec = character_bpe_spec({"é", "a", "b", "éa", "ab"}, {{"a", "b"}, {"é", "a"}}, {});
  EXPECT_EQ(character_bpe_ids(spec, "éab"), (std::vector<int32_t>{0, 4}));
  EXPECT_EQ(character_bpe_ids(spec, "éaa"), (std::vector<int32_t>{3, 1}));
}

TEST(CharacterBpe, AMissingCharacterBecomesBytesOrUnknownOrNothing) {
  EXPECT_EQ(
      character_bpe_ids(
          character_bpe_spec({"a", "<0xC3>", "<0xA9>", "<unk>"}, {}, {.unknown = 3, .byte_fallback = true}), "aéx"),
      (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(character_bpe_ids(character_bpe_spec({"a", "<unk>"}, {}, {.unknown = 1}), "xya"),
            (std::vector<int32_t>{1, 1, 0}));
  EXPECT_EQ(character_bpe_ids(character_bpe_spec({"a", "<unk>"}, {}, {.unknown = 1, .fuse_unknown = true}), "xya"),
            (std::vector<int32_t>{1, 0}));
  EXPECT_EQ(character_bpe_ids(character_bpe_spec({"a"}, {}, {}), "xa"), (std::vector<int32_t>{0}));
}

TEST(CharacterBpe, KnowsPrefixesOfContinuationsAndEndsOfWords) {
  const auto prefixed = character_bpe_spec({"a", "##b", "ab"}, {{"a", "##b"}}, {.continuing_prefix = "##"});
  EXPECT_EQ(character_bpe_ids(prefixed, "ab"), (std::vector<int32_t>{2}));
  const auto suffixed = character_bpe_spec({"a", "b</w>", "ab</w>"}, {{"a", "b</w>"}}, {.end_of_word = "</w>"});
  EXPECT_EQ(character_bpe_ids(suffixed, "ab"), (std::vector<int32_t>{2}));
}

TEST(CharacterBpe, AWholePieceOfTheVocabularyNeedsNoMergesWhereThatIsSaid) {
  EXPECT_EQ(character_bpe_ids(character_bpe_spec({"a", "aa"}, {}, {.ignore_merges = true}), "aa"),
            (std::vector<int32_t>{1}));
}

TEST(CharacterBpe, WordsAreApartUnlessAMergeGoesPastASpace) {
  const auto apart = [](std::vector<std::string> tokens, std::vector<std::pair<std::string, std::string>> merges) {
    const auto spec = character_bpe_spec(std::move(tokens), std::move(merges), {});
    return make_character_bpe(spec, "test")->words_are_apart();
  };
  EXPECT_TRUE(apart({"▁", "a", "▁a", "▁▁"}, {{"▁", "a"}, {"▁", "▁"}}));
  EXPECT_FALSE(apart({"▁", "a", "a▁"}, {{"a", "▁"}}));
  EXPECT_FALSE(apart({"a"}, {}));  // a run of unknown characters would go past the mark
}

TEST(CharacterBpe, AMergeOfUnknownTokensIsRefused) {
  EXPECT_THROW(make_character_bpe(character_bpe_spec({"a"}, {{"a", "b"}}, {}), "test"), Error);
  EXPECT_THROW(make_character_bpe(character_bpe_spec({"a", "b"}, {{"a", "b"}}, {}), "test"), Error);
}

}  // namespace
}  // namespace limbeck::text
