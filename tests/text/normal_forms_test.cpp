#include <gtest/gtest.h>

#include "text/normal_forms.h"

namespace limbeck::text {
namespace {

std::string composed(std::string_view text) {
  std::string storage;
  return std::string(nfc(text, storage));
}

TEST(Nfc, LeavesComposedTextWhereItIs) {
  std::string storage;
  const std::string_view text = "Ångström, 각, naïve";
  EXPECT_EQ(nfc(text, storage).data(), text.data());
}

TEST(Nfc, ComposesALetterWithItsMarksInCanonicalOrder) {
  EXPECT_EQ(composed("e\u0301"), "é");
  EXPECT_EQ(composed("o\u0302\u0323"), "ộ");  // the dot below goes first: ọ, then the circumflex
  EXPECT_EQ(composed("o\u0323\u0302"), "ộ");
}

TEST(Nfc, AMarkIsBlockedByAnEarlierOneOfItsClass) {
  EXPECT_EQ(composed("a\u0305\u0301"), "a\u0305\u0301");
}

TEST(Nfc, ReplacesSingletonsAndKeepsExclusionsApart) {
  EXPECT_EQ(composed("\u212B"), "Å");                         // the Ångström sign
  EXPECT_EQ(composed("\u0958"), "\u0915\u093C");              // Devanagari qa stays decomposed
  EXPECT_EQ(composed("\U0001D15E"), "\U0001D157\U0001D165");  // a half note
}

TEST(Nfc, ComposesHangul) {
  EXPECT_EQ(composed("\u1100\u1161\u11A8"), "각");
  EXPECT_EQ(composed("가\u11A8"), "각");
  EXPECT_EQ(composed("각\u11A8"), "각\u11A8");
}

TEST(Nfc, MarksWithoutALetterStay) {
  EXPECT_EQ(composed("\u0301\u0323"), "\u0323\u0301");
}

TEST(Nfc, OrdersALongRunOfMarksQuickly) {
  std::string marks = "a", again;
  for (int i = 0; i < 50000; ++i) marks += i % 2 ? "\u0301" : "\u0323";
  const std::string once = composed(marks);
  EXPECT_EQ(composed(once), once);
  EXPECT_EQ(once.substr(0, 5), "\u1EA1\u0323");  // a with dot below, then the other 24,999 dots
}

TEST(NormalForms, CompatibilityFormsReplaceWhatOnlyLooksOtherwise) {
  const auto brought = [](NormalForm form, std::string text) {
    bring_to(form, text);
    return text;
  };
  EXPECT_EQ(brought(NormalForm::kNfkc, "ﬁ\u00a0Ａ①"), "fi A1");
  EXPECT_EQ(brought(NormalForm::kNfkd, "é"), "e\u0301");
  EXPECT_EQ(brought(NormalForm::kNfd, "각ﬁ"), "\u1100\u1161\u11A8ﬁ");
  EXPECT_EQ(brought(NormalForm::kNfc, "\u1100\u1161\u11A8"), "각");
  EXPECT_EQ(brought(NormalForm::kNfd, "a\u0301\u0323"), "a\u0323\u0301");
}

}  // namespace
}  // namespace limbeck::text
