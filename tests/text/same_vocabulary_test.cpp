#include "text/same_vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace limbeck::text {
namespace {

using ::testing::HasSubstr;

TokenizerSpec letters() {
  TokenizerSpec spec;
  spec.tokens = {"a", "b", "c", "ab", "bc"};
  spec.merges = {{"a", "b"}, {"b", "c"}};
  return spec;
}

std::optional<std::string> difference_of(const TokenizerSpec& other) {
  return vocabulary_difference(*Tokenizer::from_spec(letters()), *Tokenizer::from_spec(other));
}

TEST(VocabularyDifference, IsNoneForTheSameTokensEvenWhereOneHasMore) {
  EXPECT_EQ(difference_of(letters()), std::nullopt);
  auto longer = letters();
  longer.tokens.push_back("<extra>");
  longer.added.push_back({.id = 5, .content = "<extra>", .special = true});
  EXPECT_EQ(difference_of(longer), std::nullopt);
}

TEST(VocabularyDifference, NamesTheFirstTokenThatDiffersAndHowManyDo) {
  auto other = letters();
  std::swap(other.tokens[1], other.tokens[2]);
  EXPECT_EQ(difference_of(other), "token 1 is 'b' in the first and 'c' in the second (2 of 5 differ)");
}

TEST(VocabularyDifference, SeesThatTheSameTokensAreMergedInAnotherOrder) {
  auto other = letters();
  std::swap(other.merges[0], other.merges[1]);
  EXPECT_THAT(difference_of(other).value_or(""), HasSubstr("merge 0 joins 'a' and 'b' in the first but 'b' and 'c'"));
  other.merges.pop_back();
  other.merges[0] = {"a", "b"};
  EXPECT_THAT(difference_of(other).value_or(""), HasSubstr("merges 2 pairs of tokens and the second 1"));
}

}  // namespace
}  // namespace limbeck::text
