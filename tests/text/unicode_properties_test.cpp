#include "text/unicode_properties.h"

#include <gtest/gtest.h>

namespace limbeck::text {
namespace {

TEST(CharProperties, KnowWhatTheirNamesSay) {
  const uint32_t* properties = char_properties();
  EXPECT_TRUE(properties['!'] & kPunctuation);
  EXPECT_TRUE(properties['$'] & kPunctuation);  // an ASCII symbol, not \p{P}
  EXPECT_FALSE(properties['$'] & kCategoryP);
  EXPECT_TRUE(properties[0x301] & kNonspacingMark);
  EXPECT_TRUE(properties[0x301] & kCombiningMark);
  EXPECT_TRUE(properties[0x301] & kJoinsBefore);
  EXPECT_TRUE(properties[0x7F] & kBertControl);
  EXPECT_FALSE(properties['\t'] & kBertControl);
  EXPECT_TRUE(properties[0x1C5] & kCategoryLt);
  EXPECT_TRUE(properties[0x4E00] & kCategoryLo);
  EXPECT_TRUE(properties[0x664] & kCategoryNd);
}

TEST(LowerCase, MayBeSeveralCharacters) {
  const auto lower = [](uint32_t c) {
    std::string out;
    append_lower_case(c, out);
    return out;
  };
  EXPECT_EQ(lower('A'), "a");
  EXPECT_EQ(lower('a'), "a");
  EXPECT_EQ(lower(0xC9), "é");
  EXPECT_EQ(lower(0x130), "i\u0307");
  EXPECT_EQ(lower(0x4E00), "一");
}

}  // namespace
}  // namespace limbeck::text
