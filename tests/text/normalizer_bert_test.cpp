#include <gtest/gtest.h>

#include "normalizing.h"

namespace limbeck::text {
namespace {

constexpr const char* kUncased = R"({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                                     "strip_accents": null, "lowercase": true})";
constexpr const char* kCased = R"({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": false,
                                   "strip_accents": null, "lowercase": false})";

TEST(BertNormalizer, LowersAndStripsAccents) {
  EXPECT_EQ(normalized_by(kUncased, "Héllo WÖRLD"), "hello world");
  EXPECT_EQ(normalized_by(kCased, "Héllo WÖRLD"), "Héllo WÖRLD");
}

TEST(BertNormalizer, ControlCharactersGoAndSpacesBecomeOneKind) {
  EXPECT_EQ(normalized_by(kUncased, std::string("a\0b\x7f\tc\u00a0d\uFFFD\u200b", 15)), "ab c d");
}

TEST(BertNormalizer, ChineseCharactersStandAlone) {
  EXPECT_EQ(normalized_by(kUncased, "a猫b"), "a 猫 b");
  EXPECT_EQ(normalized_by(kCased, "a猫b"), "a猫b");
}

TEST(BertNormalizer, AMarkAfterAnAsciiLetterGoesToo) {
  EXPECT_EQ(normalized_by(kUncased, "e\u0301\u0323x"), "ex");
}

}  // namespace
}  // namespace limbeck::text
