#include "teachers/prompt.h"

#include <gtest/gtest.h>

#include "generate/tiny_model.h"

namespace limbeck::teachers {
namespace {

TEST(EncodePrompt, TextFromOutsideNeverBecomesASpecialToken) {
  const auto tokenizer = generate::byte_tokenizer();
  const auto ids = encode_prompt(*tokenizer, "a<eos>");
  EXPECT_EQ(ids.size(), 6u);
  EXPECT_EQ(tokenizer->decode(ids), "a<eos>");
}

TEST(EncodePrompt, PutsTheBeginOfTextInFrontWhereTheModelHasOne) {
  auto spec = generate::byte_tokenizer()->spec();
  spec.add_bos = true;
  const auto tokenizer = text::Tokenizer::from_spec(spec);
  EXPECT_EQ(encode_prompt(*tokenizer, "x"), (std::vector<int32_t>{257, 'x'}));
  EXPECT_EQ(encode_prompt(*tokenizer, ""), (std::vector<int32_t>{257}));
  EXPECT_EQ(encode_prompt(*generate::byte_tokenizer(), "x"), (std::vector<int32_t>{'x'}));
}

}  // namespace
}  // namespace limbeck::teachers
