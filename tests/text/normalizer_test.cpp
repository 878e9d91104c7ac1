#include "text/normalizer.h"

#include <gtest/gtest.h>

#include "normalizing.h"

namespace limbeck::text {
namespace {

TEST(Normalizers, EachDoesWhatItsNameSays) {
  EXPECT_EQ(normalized_by(R"({"type": "NFD"})", "é"), "e\u0301");
  EXPECT_EQ(normalized_by(R"({"type": "NFC"})", "e\u0301"), "é");
  EXPECT_EQ(normalized_by(R"({"type": "NFKD"})", "ﬁé½"), "fie\u03011\u20442");
  EXPECT_EQ(normalized_by(R"({"type": "NFKC"})", "ﬁe\u0301"), "fié");
  EXPECT_EQ(normalized_by(R"({"type": "Lowercase"})", "ABC ÀİΣ"), "abc ài\u0307σ");
  EXPECT_EQ(normalized_by(R"({"type": "StripAccents"})", "e\u0301o"), "eo");
  EXPECT_EQ(normalized_by(R"({"type": "Strip", "strip_left": true, "strip_right": false})", " \u00a0a "), "a ");
  EXPECT_EQ(normalized_by(R"({"type": "Strip", "strip_left": false, "strip_right": true})", " a \u3000"), " a");
  EXPECT_EQ(normalized_by(R"({"type": "Prepend", "prepend": "▁"})", "a"), "▁a");
  EXPECT_EQ(normalized_by(R"({"type": "Prepend", "prepend": "▁"})", ""), "");
  EXPECT_EQ(normalized_by(R"({"type": "Nmt"})", "a\tb\x01\u200B"), "a b ");
  EXPECT_EQ(normalized_by(R"({"type": "ByteLevel"})", " é"), "ĠÃ©");
}

TEST(Normalizers, ComeOneAfterAnother) {
  EXPECT_EQ(normalized_by(R"({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"},
                              {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]}]})",
                          "ÉÀ"),
            "ea");
  EXPECT_EQ(normalized_by("null", "A"), "A");
}

TEST(Normalizers, NoticeWhenTheBeginningIsGone) {
  EXPECT_EQ(normalizing(R"({"type": "Strip", "strip_left": true, "strip_right": true})", " a").num_from_first, 0u);
  EXPECT_EQ(normalizing(R"({"type": "Strip", "strip_left": true, "strip_right": true})", "a ").num_from_first, 1u);
  EXPECT_EQ(normalizing(R"({"type": "Nmt"})",
                        "\x01"
                        "a")
                .num_from_first,
            0u);
}

TEST(Normalizers, ARestOfTheFirstCharacterIsStillItsBeginning) {
  EXPECT_EQ(
      normalizing(R"({"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}]})", "\u0E33")
          .num_from_first,
      1u);
}

TEST(Normalizers, AnUnknownOneIsRefusedWithItsPlace) {
  const Json json = Json::parse(R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Rot13"}]})");
  try {
    make_normalizers(Component(json, "tokenizer.json", "normalizer"));
    FAIL();
  } catch (const UserError& error) {
    EXPECT_STREQ(
        error.what(),
        "[tokenizer.json] normalizer.normalizers[1]: expected a normalizer that this program knows but received "
        "Rot13, which is not supported");
  }
}

}  // namespace
}  // namespace limbeck::text
