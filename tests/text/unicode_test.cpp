#include "text/unicode.h"

#include <gtest/gtest.h>

namespace limbeck::text {
namespace {

std::string replaced(std::string_view bytes) {
  std::string storage;
  return std::string(replace_invalid_utf8(bytes, storage));
}

TEST(CharClasses, TellLettersNumbersAndSpacesApart) {
  const uint8_t* classes = char_classes();
  EXPECT_EQ(classes['a'] & (kLetter | kNumber | kSpace), kLetter);
  EXPECT_EQ(classes[0x0669] & (kLetter | kNumber | kSpace), kNumber);  // Arabic-Indic nine
  EXPECT_EQ(classes[0x0085] & (kLetter | kNumber | kSpace), kSpace);   // next line
  EXPECT_EQ(classes[0x180E] & kSpace, 0);                              // no space since Unicode 6.3
  EXPECT_EQ(classes[0x200B] & kSpace, 0);
  EXPECT_EQ(classes['\r'] & kNewline, kNewline);
}

TEST(CharClasses, KeepTheDifferentUnicodeVersionsOfRegexAndDigits) {
  const uint8_t* classes = char_classes();
  EXPECT_EQ(classes[0x11DE0] & (kNumber | kNumeric), kNumeric);  // Tolong Siki digit zero, of Unicode 17
}

TEST(CodePointAt, ReadsOneToFourBytes) {
  EXPECT_EQ(code_point_at("A").value, 0x41u);
  EXPECT_EQ(code_point_at("é").value, 0xE9u);
  EXPECT_EQ(code_point_at("字").value, 0x5B57u);
  EXPECT_EQ(code_point_at("😀").value, 0x1F600u);
  EXPECT_EQ(code_point_at("😀").size, 4u);
}

TEST(AppendUtf8, WritesWhatCodePointAtReads) {
  for (const uint32_t c : {0x0u, 0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xFFFFu, 0x10000u, 0x10FFFFu}) {
    std::string text;
    append_utf8(c, text);
    EXPECT_EQ(code_point_at(text.data()).value, c);
    EXPECT_EQ(valid_utf8_prefix(text), text.size());
  }
}

TEST(ReplaceInvalidUtf8, LeavesValidTextWhereItIs) {
  std::string storage;
  const std::string_view text = "plain ASCII of some length, é, 字 and 😀";
  EXPECT_EQ(replace_invalid_utf8(text, storage).data(), text.data());
}

// Table 3-8 of the Unicode standard and its neighbours: one U+FFFD for each maximal part.
TEST(ReplaceInvalidUtf8, ReplacesMaximalPartsAsPythonDoes) {
  EXPECT_EQ(replaced("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"), "a���b�c��d");
  EXPECT_EQ(replaced("\xC0\x80"), "��");            // overlong
  EXPECT_EQ(replaced("\xE0\x80\x80"), "���");       // overlong
  EXPECT_EQ(replaced("\xED\xA0\x80"), "���");       // a surrogate
  EXPECT_EQ(replaced("\xF4\x90\x80\x80"), "����");  // past U+10FFFF
  EXPECT_EQ(replaced("\xF0\x9F\x98"), "�");         // cut off
  EXPECT_EQ(replaced("\xF0\x9F\x98x"), "�x");
  EXPECT_EQ(replaced("\xFF"), "�");
}

TEST(UnfinishedUtf8Suffix, CountsWhatFurtherBytesCouldComplete) {
  EXPECT_EQ(unfinished_utf8_suffix("abc"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix("é"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix("a\xC3"), 1u);
  EXPECT_EQ(unfinished_utf8_suffix("a\xE5\xAD"), 2u);
  EXPECT_EQ(unfinished_utf8_suffix("a\xF0\x9F\x98"), 3u);
  EXPECT_EQ(unfinished_utf8_suffix("a\xF0\x9F\x98\x80"), 0u);
}

TEST(UnfinishedUtf8Suffix, CountsNothingThatCanNoLongerBecomeACharacter) {
  EXPECT_EQ(unfinished_utf8_suffix("\x80"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix("\xC0"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix("\xED\xA0"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix("\xF5\x80\x80"), 0u);
  EXPECT_EQ(unfinished_utf8_suffix(""), 0u);
}

}  // namespace
}  // namespace limbeck::text
