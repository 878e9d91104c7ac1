#include "serve/sequence.h"

#include <gtest/gtest.h>

#include "serve/started.h"

namespace limbeck::serve {
namespace {

class Sequences : public testing::Test {
 protected:
  models::Pretrained source_ = generate::tiny_model();
  generate::KvPool pool_{generate::cache_shape(source_.model->config(), Precision::kFp32)};
  std::vector<float> logits_ = std::vector<float>(static_cast<std::size_t>(source_.model->config().vocab_size), 0.0F);

  // Adds a character's token.
  bool add(Sequence& sequence, int32_t id) {
    return goes_on(sequence, {.id = id, .log_prob = -id * 0.01}, logits_.data(), source_);
  }
  static std::vector<Piece> told(const Sequence& sequence) { return sequence.of->from.mailbox->take(0); }
};

TEST_F(Sequences, TellTheirTextAsItComesUnderTheirChoice) {
  Sequence sequence = new_sequence(started({.ids = {1}, .sampling = {.max_new_tokens = 3}}, pool_), 2, pool_, source_);
  EXPECT_TRUE(add(sequence, 'h'));
  EXPECT_TRUE(add(sequence, 'e'));
  const auto pieces = told(sequence);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].choice, 5 + 2);
  EXPECT_EQ(pieces[0].text + pieces[1].text, "he");
  EXPECT_FALSE(pieces[1].finish);
  EXPECT_TRUE(pieces[0].tokens.empty()) << "nobody asked for log-probabilities";
  EXPECT_FALSE(add(sequence, 'y'));
  const auto last = told(sequence);
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(last[0].finish, generate::Finish::kLength);
  EXPECT_EQ(last[0].num_drawn, 3);
  EXPECT_EQ(last[0].num_kept, 3);
}

TEST_F(Sequences, EndWithTheEndOfTextWhichIsDrawnButNotKept) {
  Sequence sequence = new_sequence(started({.ids = {1}, .sampling = {.max_new_tokens = 9}}, pool_), 0, pool_, source_);
  EXPECT_TRUE(add(sequence, 'h'));
  EXPECT_FALSE(add(sequence, 258));
  const auto pieces = told(sequence);
  EXPECT_EQ(pieces.back().finish, generate::Finish::kEndOfText);
  EXPECT_EQ(pieces.back().num_drawn, 2);
  EXPECT_EQ(pieces.back().num_kept, 1);
}

TEST_F(Sequences, HoldBackWhatMayBeginAStopAndEndWithIt) {
  Sequence sequence =
      new_sequence(started({.ids = {1}, .sampling = {.max_new_tokens = 9, .stop = {"xyz"}}}, pool_), 0, pool_, source_);
  EXPECT_TRUE(add(sequence, 'a'));
  EXPECT_EQ(told(sequence).size(), 1U);
  EXPECT_TRUE(add(sequence, 'x'));
  EXPECT_TRUE(add(sequence, 'y'));
  EXPECT_TRUE(told(sequence).empty()) << "may still become the stop string";
  EXPECT_FALSE(add(sequence, 'z'));
  const auto pieces = told(sequence);
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].text, "");
  EXPECT_EQ(pieces[0].finish, generate::Finish::kStop);
}

TEST_F(Sequences, TellLogProbabilitiesAndPenaliseWhatWasSeen) {
  logits_['b'] = 2;
  Sequence sequence = new_sequence(
      started({.ids = {'q', 'r'}, .sampling = {.max_new_tokens = 9, .repetition_penalty = 1.2}, .top_log_probs = 1},
              pool_),
      0, pool_, source_);
  ASSERT_TRUE(sequence.seen);
  EXPECT_EQ(sequence.seen->list(), (std::vector<int32_t>{'q', 'r'}));
  EXPECT_TRUE(add(sequence, 'a'));
  EXPECT_EQ(sequence.seen->list().back(), 'a');
  const auto pieces = told(sequence);
  ASSERT_EQ(pieces.at(0).tokens.size(), 1U);
  EXPECT_EQ(pieces[0].tokens[0].id, 'a');
  EXPECT_DOUBLE_EQ(pieces[0].tokens[0].log_prob, -'a' * 0.01);
  ASSERT_EQ(pieces[0].tokens[0].top.ids.size(), 1U);
}

}  // namespace
}  // namespace limbeck::serve
