#include "data/text_pieces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/message_of.h"
#include "text/train_tokenizer.h"

namespace limbeck::data {
namespace {

using ::testing::HasSubstr;
using Texts = std::vector<std::string_view>;

std::shared_ptr<const text::Tokenizer> letters() {
  const Texts texts = {"a b c d e f g h i j"};
  return text::Tokenizer::from_spec(text::train_tokenizer(texts, {}).spec);
}

// "[CLS] a b [SEP]" as "^ab$".
std::vector<std::string> read(const TextPieces& pieces, const text::Tokenizer& t) {
  std::vector<std::string> texts;
  for (const Example& example : pieces.examples) {
    std::string text;
    for (const int32_t id : example.ids)
      text += id == *t.spec().bos ? "^" : id == *t.spec().eos ? "$" : id == *t.spec().unk ? "?" : t.spec().tokens[id];
    texts.push_back(text);
  }
  return texts;
}

std::vector<std::string> cut(const Texts& texts, const TextPieceOptions& options) {
  const auto t = letters();
  return read(cut_texts(texts, *t, options, 512, "texts"), *t);
}

TEST(TextPieces, OfLinesAreExamplesOfTheirOwn) {
  EXPECT_EQ(cut({"a b", "c"}, {.packing = Packing::kLines}), (std::vector<std::string>{"^ab$", "^c$"}));
}

TEST(TextPieces, CutLongLinesAndPutSpecialTokensAroundEachPart) {
  EXPECT_EQ(cut({"a b c d e"}, {.max_length = 4, .packing = Packing::kLines}),
            (std::vector<std::string>{"^ab$", "^cd$", "^e$"}));
}

TEST(TextPieces, FillEachExampleWithOneTextAfterAnother) {
  EXPECT_EQ(cut({"a b", "c d e", "f"}, {.max_length = 6}), (std::vector<std::string>{"^ab$c$", "^de$f$"}));
  EXPECT_EQ(cut({"a b c d e f g"}, {.max_length = 5}), (std::vector<std::string>{"^abc$", "^def$", "^g$"}));
}

TEST(TextPieces, LoseNoTokenByPacking) {
  const auto t = letters();
  const Texts texts = {"a b c", "d", "e f g h i j", "a"};
  for (const int64_t length : {4, 5, 7, 30}) {
    std::string all;
    for (const std::string& text : read(cut_texts(texts, *t, {.max_length = length}, 512, ""), *t))
      for (const char c : text)
        if (c != '^' && c != '$') all += c;
    EXPECT_EQ(all, "abcdefghija") << length;
  }
}

TEST(TextPieces, CountWhatTheyLeaveOut) {
  const auto t = letters();
  const auto pieces = cut_texts(Texts{"a b c", "a", "x y", "a x"}, *t,
                                {.packing = Packing::kLines, .min_length = 4, .most_unknown = 0.5}, 512, "");
  EXPECT_EQ(read(pieces, *t), (std::vector<std::string>{"^abc$", "^a?$"}));
  EXPECT_EQ(pieces.num_short, 1);
  EXPECT_EQ(pieces.num_unknown, 1);
  EXPECT_EQ(pieces.num_tokens, 9);
  EXPECT_EQ(size_text(pieces), "2 examples, 9 tokens, 1 left out as too short, 1 left out as mostly unknown");
}

TEST(TextPieces, RefuseWhatCannotBe) {
  const auto t = letters();
  EXPECT_THAT(message_of<UserError>([&] { cut_texts(Texts{"a"}, *t, {.max_length = 600}, 512, ""); }),
              HasSubstr("at most 512, the model's context"));
  EXPECT_THAT(message_of<UserError>([&] { cut_texts(Texts{"a"}, *t, {.min_length = 9}, 512, "corpus"); }),
              HasSubstr("[corpus] expected texts to learn from"));
}

TEST(HoldOut, TakesAShareAndKeepsTheOrder) {
  std::vector<std::string> storage;
  for (int i = 0; i < 200; ++i) storage.push_back(std::to_string(1000 + i));
  const Texts texts(storage.begin(), storage.end());
  const auto parts = hold_out(texts, 0.05, Seed(3));
  EXPECT_EQ(parts.dev.size(), 10u);
  EXPECT_EQ(parts.train.size(), 190u);
  EXPECT_TRUE(std::is_sorted(parts.dev.begin(), parts.dev.end()));
  EXPECT_TRUE(std::is_sorted(parts.train.begin(), parts.train.end()));
  EXPECT_EQ(hold_out(texts, 0.05, Seed(3)).dev, parts.dev);
  EXPECT_NE(hold_out(texts, 0.05, Seed(4)).dev, parts.dev);
}

}  // namespace
}  // namespace limbeck::data
