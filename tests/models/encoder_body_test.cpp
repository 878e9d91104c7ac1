#include "models/encoder_body.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

const std::vector<std::vector<int64_t>>& some_texts() {
  static const std::vector<std::vector<int64_t>> texts = {{5, 6, 7, 8, 9}, {10}, {11, 12, 13}, {5, 6, 7}};
  return texts;
}

// Hidden states of each text when it goes through the model alone.
std::vector<at::Tensor> one_by_one(Encoder& encoder, const EncoderWant& want = {}) {
  std::vector<at::Tensor> states;
  for (const auto& text : some_texts()) states.push_back(run_encoder(encoder, pack_texts({text}), want).hidden);
  return states;
}

TEST(EncoderBody, ATextDoesNotDependOnWhatIsBesideIt) {
  at::NoGradGuard no_grad;
  auto encoder = small_encoder(small_encoder_config("bert"));
  const auto alone = one_by_one(*encoder);
  EXPECT_LT(largest_gap(run_encoder(*encoder, pack_texts(some_texts())).hidden, at::cat(alone)), 2e-6);
  const auto& t = some_texts();
  EXPECT_LT(largest_gap(run_encoder(*encoder, pack_texts({t[2], t[0], t[3], t[1]})).hidden,
                        at::cat({alone[2], alone[0], alone[3], alone[1]})),
            2e-6);
}

TEST(EncoderBody, ATextSeesAllOfItselfAndTypesMatter) {
  at::NoGradGuard no_grad;
  auto encoder = small_encoder(small_encoder_config("bert"));
  const at::Tensor whole = run_encoder(*encoder, pack_texts({{5, 6, 7}})).hidden;
  EXPECT_GT(largest_gap(whole[0], run_encoder(*encoder, pack_texts({{5, 6, 8}})).hidden[0]), 1e-3);
  EXPECT_GT(largest_gap(whole, run_encoder(*encoder, pack_texts({{5, 6, 7}}, {{0, 0, 1}})).hidden), 1e-3);
  EXPECT_TRUE(at::equal(whole, run_encoder(*encoder, pack_texts({{5, 6, 7}}, {{0, 0, 0}})).hidden));
}

TEST(EncoderBody, TapsAreTheStatesBetweenBlocksAndWhatAttentionReads) {
  at::NoGradGuard no_grad;
  auto encoder = small_encoder(small_encoder_config("bert"));
  const Packed packed = pack_texts(some_texts());
  const EncoderOutput out = run_encoder(*encoder, packed, {.hidden_states = true, .attention = true});
  ASSERT_EQ(out.hidden_states.size(), 4u);
  ASSERT_EQ(out.attention.size(), 3u);
  EXPECT_TRUE(at::equal(out.hidden_states.back(), out.hidden));
  std::map<std::string, at::Tensor> weights;
  for (const auto& p : parameters_of(*encoder)) weights[p.name] = *p.tensor;
  for (int i = 0; i < 3; ++i) {
    const std::string block = "encoder.layer." + std::to_string(i) + ".attention.self.";
    const at::Tensor q = at::linear(out.hidden_states[i], weights.at(block + "query.weight"),
                                    weights.at(block + "query.bias")),
                     v = at::linear(out.hidden_states[i], weights.at(block + "value.weight"),
                                    weights.at(block + "value.bias"));
    EXPECT_EQ(out.attention[i].k.sizes(), at::IntArrayRef({12, 3, 8}));
    EXPECT_LT(largest_gap(out.attention[i].q.reshape({12, 24}), q), 1e-5) << i;
    EXPECT_LT(largest_gap(out.attention[i].v.reshape({12, 24}), v), 1e-5) << i;
  }
}

TEST(EncoderBody, GivenEmbeddingsStandInThePlaceOfThoseOfWords) {
  auto encoder = small_encoder(small_encoder_config("bert"));
  const Packed packed = pack_texts(some_texts());
  at::Tensor rows = at::embedding(encoder->word_embeddings(), packed.ids).detach().requires_grad_(true);
  EncoderWant want;
  want.embeddings = rows;
  const at::Tensor hidden = run_encoder(*encoder, packed, want).hidden;
  EXPECT_TRUE(at::equal(hidden, run_encoder(*encoder, packed).hidden));
  hidden.sum().backward();
  EXPECT_TRUE(rows.grad().defined());
  EXPECT_FALSE(encoder->word_embeddings().grad().defined());
}

// In expectation dropout changes nothing; a salt draws the same masks again, whatever is beside a text.
TEST(EncoderBody, DropoutIsDrawnBySaltAndText) {
  at::NoGradGuard no_grad;
  const Json rates = {{"hidden_dropout_prob", 0.3}, {"attention_probs_dropout_prob", 0.2}};
  auto encoder = small_encoder(small_encoder_config("bert", rates));
  const Packed packed = pack_texts(some_texts());
  const EncoderOutput one = run_encoder(*encoder, packed, {.dropout_salt = 1});
  EXPECT_EQ(one.keys.size(0), 12);
  EXPECT_TRUE(at::equal(one.hidden, run_encoder(*encoder, packed, {.dropout_salt = 1}).hidden));
  EXPECT_GT(largest_gap(one.hidden, run_encoder(*encoder, packed, {.dropout_salt = 2}).hidden), 1e-2);
  EXPECT_GT(largest_gap(one.hidden, run_encoder(*encoder, packed).hidden), 1e-2);
  EXPECT_LT(largest_gap(one.hidden, at::cat(one_by_one(*encoder, {.dropout_salt = 1}))), 2e-6);
  EXPECT_FALSE(run_encoder(*encoder, packed).keys.defined());
}

TEST(EncoderBody, WithoutDropoutRatesASaltChangesNothing) {
  at::NoGradGuard no_grad;
  auto encoder = small_encoder(
      small_encoder_config("bert", {{"hidden_dropout_prob", 0.0}, {"attention_probs_dropout_prob", 0.0}}));
  const Packed packed = pack_texts(some_texts());
  EXPECT_TRUE(
      at::equal(run_encoder(*encoder, packed, {.dropout_salt = 1}).hidden, run_encoder(*encoder, packed).hidden));
}

TEST(EncoderBody, RefusesWhatItsTablesDoNotHave) {
  at::NoGradGuard no_grad;
  auto encoder = small_encoder(small_encoder_config("bert"));
  const std::vector<int64_t> sixteen(16, 5), seventeen(17, 5);
  EXPECT_NO_THROW(run_encoder(*encoder, pack_texts({sixteen})));
  EXPECT_NE(message_of([&] {
              run_encoder(*encoder, pack_texts({{5}, seventeen}));
            }).find("texts of at most 16 tokens but received one of 17"),
            std::string::npos);
  EXPECT_THROW(run_encoder(*encoder, pack_texts({{29}})), Error);
  EXPECT_THROW(run_encoder(*encoder, pack_texts({{5}}, {{2}})), Error);
  EXPECT_THROW(run_encoder(*encoder, pack_texts({{5, 6}}, {{0}})), Error);
  Packed packed = pack_texts({{5, 6}});
  packed.offsets = {0, 3};
  EXPECT_THROW(run_encoder(*encoder, packed), Error);
}

// int(layer / (layers / groups)), as ALBERT has it.
TEST(EncoderBody, LayersOfAGroupGoThroughOneBlock) {
  EncoderConfig c;
  c.num_hidden_layers = 5;
  EXPECT_EQ(num_blocks(c), 5);
  EXPECT_EQ(block_of_layer(c, 3), 3);
  c.num_hidden_groups = 1;
  EXPECT_EQ(num_blocks(c), 1);
  EXPECT_EQ(block_of_layer(c, 4), 0);
  c.num_hidden_groups = 2;
  std::vector<int64_t> blocks;
  for (int64_t layer = 0; layer < 5; ++layer) blocks.push_back(block_of_layer(c, layer));
  EXPECT_EQ(blocks, (std::vector<int64_t>{0, 0, 0, 1, 1}));
}

}  // namespace
}  // namespace limbeck::models
