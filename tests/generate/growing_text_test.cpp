#include "generate/growing_text.h"

#include <gtest/gtest.h>

#include "generate/tiny_model.h"

namespace limbeck::generate {
namespace {

// Adds ids until a stop; what take() gave out, piece by piece.
std::vector<std::string> shown(GrowingText& text, const std::vector<int32_t>& ids) {
  std::vector<std::string> pieces;
  for (const int32_t id : ids) {
    const bool stopped = text.add(id);
    pieces.push_back(text.take());
    if (stopped) break;
  }
  text.finish();
  pieces.push_back(text.take());
  return pieces;
}

TEST(GrowingTextTest, IsTheDecodedTextWithoutStops) {
  const std::vector<std::string> stop;
  GrowingText text(byte_tokenizer(), stop);
  EXPECT_EQ(shown(text, {261, 'x', 258, 0xc3, 0xa9}), (std::vector<std::string>{"abcd", "x", "", "", "é", ""}));
  EXPECT_EQ(text.text(), "abcdxé");
  EXPECT_FALSE(text.stopped());
  EXPECT_EQ(text.num_tokens(), 5);
}

TEST(GrowingTextTest, ReplacesAnUnfinishedCharacterAtTheEnd) {
  const std::vector<std::string> stop;
  GrowingText text(byte_tokenizer(), stop);
  EXPECT_EQ(shown(text, {'a', 0xe2, 0x82}), (std::vector<std::string>{"a", "", "", "\xef\xbf\xbd"}));
}

TEST(GrowingTextTest, HoldsBackWhatMayBeginAStopString) {
  const std::vector<std::string> stop = {"END", "\n\n"};
  GrowingText text(byte_tokenizer(), stop);
  EXPECT_EQ(shown(text, {'a', 'E', 'N', 'E', 'N', 'D', 'z'}),
            (std::vector<std::string>{"a", "", "", "EN", "", "", ""}));
  EXPECT_EQ(text.text(), "aEN");
  EXPECT_TRUE(text.stopped());
  EXPECT_EQ(text.num_tokens(), 3);
}

TEST(GrowingTextTest, GivesOutAtTheEndWhatWasHeldBack) {
  const std::vector<std::string> stop = {"END"};
  GrowingText text(byte_tokenizer(), stop);
  EXPECT_EQ(shown(text, {'a', 'E', 'N'}), (std::vector<std::string>{"a", "", "", "EN"}));
  EXPECT_FALSE(text.stopped());
}

TEST(GrowingTextTest, EndsAtASpecialTokenThatIsAmongTheStops) {
  const std::vector<std::string> stop = {"zz", "<pad>"};
  GrowingText text(byte_tokenizer(), stop);
  EXPECT_FALSE(text.add('a'));
  EXPECT_FALSE(text.add(258)) << "<eos> is none of them";
  EXPECT_TRUE(text.add(256));
  EXPECT_TRUE(text.stopped());
  EXPECT_EQ(text.text(), "a");
  EXPECT_EQ(text.num_tokens(), 2);
}

TEST(GrowingTextTest, KeepsTheTokenThatReachesOverTheCut) {
  const std::vector<std::string> stop = {"cd"};
  GrowingText text(byte_tokenizer(), stop);
  EXPECT_FALSE(text.add('x'));
  EXPECT_TRUE(text.add(261));  // "abcd"
  EXPECT_EQ(text.text(), "xab");
  EXPECT_EQ(text.num_tokens(), 2);
}

TEST(GrowingTextTest, CutsBeforeTheEarliestOfSeveralStops) {
  const std::vector<std::string> stop = {"d", "bc", ""};
  GrowingText text(byte_tokenizer(), stop);
  EXPECT_TRUE(text.add(261));
  EXPECT_EQ(text.text(), "a");
}

TEST(GrowingTextTest, MayBeEmptyWhenTheFirstTokenStops) {
  const std::vector<std::string> stop = {"ab"};
  GrowingText text(byte_tokenizer(), stop);
  EXPECT_TRUE(text.add(259));
  EXPECT_EQ(text.text(), "");
  EXPECT_EQ(text.num_tokens(), 0);
}

}  // namespace
}  // namespace limbeck::generate
