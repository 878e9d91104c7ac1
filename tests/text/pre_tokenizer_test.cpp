#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <vector>

namespace limbeck::text {
namespace {

using Pieces = std::vector<std::string_view>;

Pieces pieces(PreTokenizer kind, std::string_view text) {
  Pieces found;
  const Scanner scan = scanner_of(kind);
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    const char* after = scan(at, end);
    found.emplace_back(at, std::size_t(after - at));
    at = after;
  }
  return found;
}

TEST(Gpt2Pieces, WordsTakeOneSpaceAlong) {
  EXPECT_EQ(pieces(PreTokenizer::kGpt2, "Hello world  foo"), (Pieces{"Hello", " world", " ", " foo"}));
}

TEST(Gpt2Pieces, ContractionsCountInLowerCaseOnly) {
  EXPECT_EQ(pieces(PreTokenizer::kGpt2, "it's IT'S"), (Pieces{"it", "'s", " IT", "'", "S"}));
  EXPECT_EQ(pieces(PreTokenizer::kGpt2, "we'll 've"), (Pieces{"we", "'ll", " '", "ve"}));
}

TEST(Gpt2Pieces, LettersNumbersAndOthersPart) {
  EXPECT_EQ(pieces(PreTokenizer::kGpt2, "abc123!?x"), (Pieces{"abc", "123", "!?", "x"}));
}

TEST(Gpt2Pieces, SpacesAtTheEndStayTogether) {
  EXPECT_EQ(pieces(PreTokenizer::kGpt2, "a \n\t"), (Pieces{"a", " \n\t"}));
  EXPECT_EQ(pieces(PreTokenizer::kGpt2, "a \n\tb"), (Pieces{"a", " \n", "\t", "b"}));
}

TEST(Llama3Pieces, OneForeignCharacterGoesWithTheWordAfterIt) {
  EXPECT_EQ(pieces(PreTokenizer::kLlama3, "(foo) \tbar"), (Pieces{"(foo", ")", " ", "\tbar"}));
}

TEST(Llama3Pieces, ContractionsCountInAnyCase) {
  EXPECT_EQ(pieces(PreTokenizer::kLlama3, "it's IT'S we'LL"), (Pieces{"it", "'s", " IT", "'S", " we", "'LL"}));
  EXPECT_EQ(pieces(PreTokenizer::kLlama3, "x'\u017Fa"), (Pieces{"x", "'\u017F", "a"}));  // long s folds to s
}

TEST(Llama3Pieces, NumbersComeInThreesAndForQwen2OneByOne) {
  EXPECT_EQ(pieces(PreTokenizer::kLlama3, "12345 6"), (Pieces{"123", "45", " ", "6"}));
  EXPECT_EQ(pieces(PreTokenizer::kQwen2, "12345"), (Pieces{"1", "2", "3", "4", "5"}));
}

TEST(Llama3Pieces, SpacesEndAtTheirLastLineBreak) {
  EXPECT_EQ(pieces(PreTokenizer::kLlama3, "a \n \n  b"), (Pieces{"a", " \n \n", " ", " b"}));
  EXPECT_EQ(pieces(PreTokenizer::kLlama3, "end.\n\n  x"), (Pieces{"end", ".\n\n", " ", " x"}));
}

TEST(SmolLmPieces, EveryDigitIsAlone) {
  EXPECT_EQ(pieces(PreTokenizer::kSmolLm, "a 12b"), (Pieces{"a", " ", "1", "2", "b"}));
}

TEST(SmolLmPieces, SpacesBeforeADigitStayTogether) {  // the digit has been split off before
  EXPECT_EQ(pieces(PreTokenizer::kSmolLm, "a   1"), (Pieces{"a", "   ", "1"}));
  EXPECT_EQ(pieces(PreTokenizer::kGpt2, "a   1"), (Pieces{"a", "  ", " 1"}));
}

TEST(Pieces, ALongRunTakesLinearTime) {
  for (const PreTokenizer kind :
       {PreTokenizer::kGpt2, PreTokenizer::kLlama3, PreTokenizer::kQwen2, PreTokenizer::kSmolLm}) {
    const std::string spaces(1 << 20, ' ');
    EXPECT_EQ(pieces(kind, spaces).size(), 1u);
    EXPECT_EQ(pieces(kind, spaces + "x").size(), 2u);
  }
}

}  // namespace
}  // namespace limbeck::text
