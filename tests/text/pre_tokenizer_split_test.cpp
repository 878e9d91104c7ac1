#include <gtest/gtest.h>

#include "splitting.h"

namespace limbeck::text {
namespace {

std::string split_with(const std::string& behavior, const char* text, bool invert = false) {
  return split_by((R"({"type": "Split", "pattern": {"String": "-"}, "behavior": ")" + behavior + R"(", "invert": )" +
                   (invert ? "true}" : "false}"))
                      .c_str(),
                  text);
}

TEST(Split, TreatsWhatItFindsInFiveWays) {  // as the documentation of the `tokenizers` library has it
  const char* text = "the-final--countdown";
  EXPECT_EQ(split_with("Removed", text), "the|final|countdown");
  EXPECT_EQ(split_with("Isolated", text), "the|-|final|-|-|countdown");
  EXPECT_EQ(split_with("MergedWithPrevious", text), "the-|final-|-|countdown");
  EXPECT_EQ(split_with("MergedWithNext", text), "the|-final|-|-countdown");
  EXPECT_EQ(split_with("Contiguous", text), "the|-|final|--|countdown");
}

TEST(Split, InvertedFindsWhatIsBetween) {
  EXPECT_EQ(split_with("Removed", "a-b", true), "-");
  EXPECT_EQ(split_with("Contiguous", "--a", true), "--|a");
}

TEST(Split, TakesAnExpression) {
  EXPECT_EQ(
      split_by(R"({"type": "Split", "pattern": {"Regex": "\\p{N}{1,3}"}, "behavior": "Isolated", "invert": false})",
               "a12345"),
      "a|123|45");
}

TEST(Split, RefusesAnotherBehavior) {
  EXPECT_THROW(split_with("Sometimes", "a"), Error);
}

}  // namespace
}  // namespace limbeck::text
