#include "data/encode.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "data/byte_tokenizer.h"

namespace limbeck::data {
namespace {

const Limits kLimits{.context = 32, .vocab_size = 257, .end_of_text = 256};

Encoded encode(const std::vector<Row>& rows, const EncodeOptions& options = {}, const Limits& limits = kLimits) {
  return encode_rows(rows, *byte_tokenizer(), limits, options, "rows.jsonl");
}

TEST(EncodeRows, LearnsTheCompletionAndTheEndOfText) {
  const auto encoded = encode({pair_row("ab", "cd", 1)});
  ASSERT_EQ(encoded.examples.size(), 1u);
  EXPECT_EQ(encoded.examples[0].ids, (std::vector<int32_t>{'a', 'b', 'c', 'd', 256}));
  EXPECT_EQ(encoded.examples[0].weights, (std::vector<float>{0, 0, 1, 1, 1}));
  EXPECT_EQ(encoded.num_targets, 3);
  EXPECT_EQ(encoded.num_tokens, 5);
}

TEST(EncodeRows, LearnsThePromptWhenAsked) {
  const auto encoded = encode({pair_row("ab", "cd", 1)}, {.loss_on_prompt = true, .end_of_text = false});
  EXPECT_EQ(encoded.examples[0].ids, (std::vector<int32_t>{'a', 'b', 'c', 'd'}));
  EXPECT_EQ(encoded.num_targets, 3) << "nothing predicts the first token";
}

TEST(EncodeRows, ACompletionHasNoMarkOfABeginning) {
  text::TokenizerSpec spec = byte_tokenizer()->spec();
  spec.add_prefix_space = true;
  const auto spaced = text::Tokenizer::from_spec(spec);
  const auto encoded = encode_rows({pair_row("ab", "cd", 1)}, *spaced, kLimits, {}, "rows.jsonl");
  EXPECT_EQ(encoded.examples[0].ids, (std::vector<int32_t>{' ', 'a', 'b', 'c', 'd', 256}));
}

TEST(EncodeRows, PadsWithTheEndOfTextOnlyWherePaddingIsLearned) {
  const auto padded = encode({pair_row("a", "b", 1)}, {.pad_to_length = 6, .loss_on_pad = true});
  EXPECT_EQ(padded.examples[0].ids, (std::vector<int32_t>{'a', 'b', 256, 256, 256, 256}));
  EXPECT_EQ(padded.examples[0].weights, (std::vector<float>{0, 1, 1, 1, 1, 1}));
  EXPECT_EQ(encode({pair_row("a", "b", 1)}, {.pad_to_length = 6}).num_tokens, 3);
}

TEST(EncodeRows, KeepsTheIdsOfThePromptWhateverFollows) {
  const auto tokenizer = byte_tokenizer();
  for (const char* completion : {"x", " x", "\nx"}) {
    const auto ids = encode({pair_row("ab ", completion, 1)}).examples[0].ids;
    EXPECT_EQ(std::vector<int32_t>(ids.begin(), ids.begin() + 3), tokenizer->encode_rendered("ab "));
  }
}

TEST(EncodeRows, ReadsSpecialTokensOnlyWhereAsked) {
  const std::string text = "a<|end|>";
  const auto read = encode({pair_row(text, text, 1)}, {.end_of_text = false});
  EXPECT_EQ(read.examples[0].ids, (std::vector<int32_t>{'a', 256, 'a', 256}));
  const auto left = encode({pair_row(text, text, 1)}, {.special_tokens = false, .end_of_text = false});
  EXPECT_EQ(left.examples[0].ids, byte_tokenizer()->encode_ordinary(text + text));
}

TEST(EncodeRows, PutsTheBeginOfTextFirstWhereTheTokenizerAsks) {
  const auto encoded =
      encode_rows({pair_row("a", "b", 1)}, *byte_tokenizer(/*add_bos=*/true), kLimits, {}, "rows.jsonl");
  EXPECT_EQ(encoded.examples[0].ids, (std::vector<int32_t>{256, 'a', 'b', 256}));
}

TEST(EncodeRows, RefusesLongRowsByLineOrCutsOrSkipsThem) {
  const std::vector<Row> rows{pair_row("a", "b", 1), pair_row("a", std::string(40, 'b'), 2), pair_row("c", "d", 3)};
  const std::string text = message_of<UserError>([&] { encode(rows); });
  EXPECT_NE(text.find("rows.jsonl:2"), std::string::npos) << text;
  EXPECT_NE(text.find("at most 32 tokens but received 42"), std::string::npos) << text;

  const auto cut = encode(rows, {.max_length = 10, .overflow = Overflow::kTruncate});
  EXPECT_EQ(cut.num_truncated, 1);
  EXPECT_EQ(cut.examples[1].ids.size(), 10u);
  const auto skipped = encode(rows, {.overflow = Overflow::kSkip});
  EXPECT_EQ(skipped.num_skipped, 1);
  ASSERT_EQ(skipped.examples.size(), 2u);
  EXPECT_EQ(skipped.examples[1].index, 1) << "indices are places among the examples";
}

TEST(EncodeRows, RefusesRowsWithNothingToLearn) {
  const std::vector<Row> rows{pair_row("a", "", 1), pair_row("a", "b", 2), pair_row(std::string(40, 'a'), "b", 3)};
  const std::string text =
      message_of<UserError>([&] { encode(rows, {.overflow = Overflow::kTruncate, .end_of_text = false}); });
  EXPECT_NE(text.find("rows.jsonl:1"), std::string::npos) << text;
  EXPECT_NE(text.find("rows.jsonl:3"), std::string::npos) << text;
  EXPECT_EQ(text.find("rows.jsonl:2"), std::string::npos) << text;
}

TEST(EncodeRows, RefusesIdsThatTheModelDoesNotHave) {
  const std::string text = message_of<UserError>(
      [&] { encode({pair_row("a", "b", 1)}, {}, {.context = 32, .vocab_size = 200, .end_of_text = 256}); });
  EXPECT_NE(text.find("below 200"), std::string::npos) << text;
}

TEST(EncodeRows, RefusesMoreThanTheContext) {
  EXPECT_THROW(encode({pair_row("a", "b", 1)}, {.max_length = 33}), UserError);
  EXPECT_THROW(encode({pair_row("a", "b", 1)}, {.pad_to_length = 33, .loss_on_pad = true}), UserError);
}

TEST(EncodeRows, LearnsTheTurnsOfTheAssistantInAChat) {
  const Row chat{.messages = {{"user", "q"}, {"assistant", "r"}}, .line = 4};
  const auto tokenizer = byte_tokenizer(
      false,
      "{% for m in messages %}{{ m.role[0] }}:{{ m.content }}|{% endfor %}{% if add_generation_prompt %}a:{% endif %}");
  const auto encoded = encode_rows({chat}, *tokenizer, kLimits, {}, "rows.jsonl");
  EXPECT_EQ(tokenizer->decode(encoded.examples[0].ids), "u:q|a:r|");
  EXPECT_EQ(encoded.examples[0].weights, (std::vector<float>{0, 0, 0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(encode_rows({chat}, *tokenizer, kLimits, {.loss_on_prompt = true}, "rows.jsonl").num_targets, 7);
}

TEST(EncodeRows, RefusesAChatForAModelWithoutATemplate) {
  const Row chat{.messages = {{"user", "q"}, {"assistant", "r"}}, .line = 4};
  const std::string text = message_of<UserError>([&] { encode({chat}); });
  EXPECT_NE(text.find("rows.jsonl:4"), std::string::npos) << text;
  EXPECT_NE(text.find("template"), std::string::npos) << text;
}

}  // namespace
}  // namespace limbeck::data
