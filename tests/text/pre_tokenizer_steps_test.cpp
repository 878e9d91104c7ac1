#include "text/pre_tokenizer_steps.h"

#include <gtest/gtest.h>

#include "splitting.h"

namespace limbeck::text {
namespace {

TEST(PreTokenizerSteps, EachCutsAsItsNameSays) {
  EXPECT_EQ(split_by(R"({"type": "WhitespaceSplit"})", " a b,\u3000c "), "a|b,|c");
  EXPECT_EQ(split_by(R"({"type": "Whitespace"})", "it's 3.5 é_x"), "it|'|s|3|.|5|é_x");
  EXPECT_EQ(split_by(R"({"type": "BertPreTokenizer"})", "a-b  c$!"), "a|-|b|c|$|!");
  EXPECT_EQ(split_by(R"({"type": "Punctuation", "behavior": "Contiguous"})", "a?!b"), "a|?!|b");
  EXPECT_EQ(split_by(R"({"type": "Digits", "individual_digits": true})", "a12"), "a|1|2");
  EXPECT_EQ(split_by(R"({"type": "Digits", "individual_digits": false})", "a12b"), "a|12|b");
  EXPECT_EQ(split_by(R"({"type": "CharDelimiterSplit", "delimiter": "-"})", "a--b"), "a|b");
  EXPECT_EQ(split_by(R"({"type": "FixedLength", "length": 2})", "aébcd"), "aé|bc|d");
  EXPECT_EQ(split_by(R"({"type": "ByteLevel", "add_prefix_space": true})", "a é"), "Ġa|ĠÃ©");
  EXPECT_EQ(split_by(R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": false})", "a b"), "aĠb");
}

TEST(Metaspace, PutsAMarkBeforeEveryTextTheFirstOrNone) {
  const auto metaspace = [](const std::string& scheme, const char* text, bool split = true) {
    return split_by((R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": ")" + scheme + R"(", "split": )" +
                     (split ? "true}" : "false}"))
                        .c_str(),
                    text);
  };
  EXPECT_EQ(metaspace("always", "a b"), "▁a|▁b");
  EXPECT_EQ(metaspace("first", "a b"), "▁a|▁b");
  EXPECT_EQ(metaspace("never", "a b"), "a|▁b");
  EXPECT_EQ(metaspace("always", " a  b"), "▁a|▁|▁b");
  EXPECT_EQ(metaspace("always", "▁a▁b"), "▁a|▁b");
  EXPECT_EQ(metaspace("always", "a  b", false), "▁a▁▁b");
}

TEST(Metaspace, FirstMeansTheBeginningOfTheWholeText) {
  EXPECT_EQ(split_by(R"({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                         {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}]})",
                     "a b"),
            "▁a|b");
  EXPECT_EQ(split_by(R"({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
                         {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}]})",
                     " a b"),
            "a|b");
}

TEST(PreTokenizerSteps, AnUnknownOneIsRefusedWithItsPlace) {
  const Json json = Json::parse(R"({"type": "Sequence", "pretokenizers": [{"type": "UnicodeScripts"}]})");
  try {
    make_pre_tokenizer_steps(Component(json, "tokenizer.json", "pre_tokenizer"));
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what())
                  .find("pre_tokenizer.pretokenizers[0]: expected a pre-tokenizer that this program "
                        "knows but received UnicodeScripts"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace limbeck::text
