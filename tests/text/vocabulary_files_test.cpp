#include "text/vocabulary_files.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck::text {
namespace {

using Ids = std::vector<int32_t>;

TEST(VocabAndMerges, AreByteLevelBpe) {
  const auto read = [](const Json& config) {
    return spec_from_vocab_and_merges(R"({"a": 0, "b": 1, "ab": 2, "Ġ": 3, "<s>": 4, "</s>": 5})",
                                      "#version: 0.2\na b\n", config, "folder");
  };
  EXPECT_EQ(Tokenizer::from_spec(read(nullptr))->encode("ab b"), (Ids{2, 3, 1}));
  EXPECT_EQ(Tokenizer::from_spec(read({{"tokenizer_class", "RobertaTokenizer"}}))->encode("ab"), (Ids{4, 2, 5}));
  EXPECT_EQ(Tokenizer::from_spec(read({{"add_prefix_space", true}}))->encode("ab"), (Ids{3, 2}));
  EXPECT_EQ(read({{"tokenizer_class", "Qwen2Tokenizer"}}).pre_tokenizer, PreTokenizer::kQwen2);
}

TEST(VocabAndMerges, RefuseBrokenFiles) {
  const auto refused = [](const char* vocabulary, const char* merges) {
    EXPECT_THROW(spec_from_vocab_and_merges(vocabulary, merges, nullptr, "folder"), Error) << vocabulary << merges;
  };
  refused("[]", "");
  refused(R"({"a": -1})", "");
  refused(R"({"a": 4000000000})", "");
  refused(R"({"a": 0})", "a b c\n");
  refused(R"({"a": 0})", "ab\n");
}

TEST(VocabTxt, IsABertVocabulary) {
  const char* words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhi\n##s\r\nHi\n";
  const auto tokenizer = Tokenizer::from_spec(spec_from_vocab_txt(words, nullptr, "vocab.txt"));
  EXPECT_EQ(tokenizer->encode("His hi?"), (Ids{2, 4, 5, 4, 1, 3}));
  EXPECT_EQ(tokenizer->spec().pad, 0);
  const auto cased = Tokenizer::from_spec(spec_from_vocab_txt(words, {{"do_lower_case", false}}, "vocab.txt"));
  EXPECT_EQ(cased->encode("Hi"), (Ids{2, 6, 3}));
  EXPECT_THROW(spec_from_vocab_txt("a\nb\n", nullptr, "vocab.txt"), UserError);
}

}  // namespace
}  // namespace limbeck::text
