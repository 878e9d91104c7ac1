#include <gtest/gtest.h>

#include "base/seeds.h"
#include "golden.h"
#include "text/tokenizer.h"
#include "tiny_vocabulary.h"

namespace limbeck::text {
namespace {

std::shared_ptr<const Tokenizer> bytes_with_a_special_token() {
  TokenizerSpec spec = tiny_spec();
  spec.added = {{.id = 263, .content = "<s>", .special = true}};
  return Tokenizer::from_spec(spec);
}

TEST(StreamDecoder, HoldsACharacterBackUntilItIsWhole) {
  StreamDecoder stream(bytes_with_a_special_token());
  EXPECT_EQ(stream.add('a'), "a");
  EXPECT_EQ(stream.add(0xF0), "");  // the four bytes of 😀
  EXPECT_EQ(stream.add(0x9F), "");
  EXPECT_EQ(stream.add(0x98), "");
  EXPECT_EQ(stream.add(0x80), "😀");
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamDecoder, ShowsAReplacementCharacterAsSoonAsNothingCanCompleteTheBytes) {
  StreamDecoder stream(bytes_with_a_special_token());
  EXPECT_EQ(stream.add(0xE5), "");
  EXPECT_EQ(stream.add('b'), "\uFFFDb");
  EXPECT_EQ(stream.add(0x80), "\uFFFD");
}

TEST(StreamDecoder, AnUnfinishedCharacterAtTheEndIsOneReplacementCharacter) {
  StreamDecoder stream(bytes_with_a_special_token());
  EXPECT_EQ(stream.add(0xE5), "");
  EXPECT_EQ(stream.add(0xAD), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamDecoder, SkipsSpecialTokensUnlessToldOtherwise) {
  StreamDecoder hiding(bytes_with_a_special_token()), showing(bytes_with_a_special_token(), false);
  EXPECT_EQ(hiding.add(263), "");
  EXPECT_EQ(showing.add(263), "<s>");
}

TEST(StreamDecoder, GivesTheTextOfDecodeForAnyIds) {
  const auto tokenizer = Tokenizer::from_folder(golden::folder() / "qwen2");
  Random random{Seed(5)};
  for (int round = 0; round < 2000; ++round) {
    std::vector<int32_t> ids;
    for (auto left = random.below(20); left > 0; --left)
      ids.push_back(int32_t(random.below(random.below(2) ? 260 : uint64_t(tokenizer->vocab_size()))));
    StreamDecoder stream(tokenizer, false);
    std::string text;
    for (const int32_t id : ids) text += stream.add(id);
    text += stream.finish();
    ASSERT_EQ(text, tokenizer->decode(ids));
  }
}

}  // namespace
}  // namespace limbeck::text
