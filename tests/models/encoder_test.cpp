#include "models/encoder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

const Head kThree{HeadKind::kClassification, 3, {}};

Packed two_texts() {
  return pack_texts({{5, 6, 7, 8}, {9, 10, 11}});
}

TEST(Encoder, FreshWeightsAreOfTheConfigsDeviationAndTheSeedsOwn) {
  const EncoderConfig config =
      read_encoder_config(small_encoder_config("bert", {{"hidden_size", 96}, {"intermediate_size", 96}}), "test");
  auto a = make_encoder(config, kThree, Seed(1)), b = make_encoder(config, kThree, Seed(1)),
       c = make_encoder(config, kThree, Seed(2));
  EXPECT_TRUE(at::equal(logits_of(*a, two_texts()), logits_of(*b, two_texts())));
  EXPECT_FALSE(at::equal(logits_of(*a, two_texts()), logits_of(*c, two_texts())));
  for (const auto& p : parameters_of(*a)) {
    if (p.name.ends_with("dense.weight")) {
      EXPECT_NEAR(p.tensor->std().item<double>(), 0.02, 0.001) << p.name;
    }
    if (p.name.ends_with(".bias")) {
      EXPECT_EQ(p.tensor->abs().max().item<double>(), 0) << p.name;
    }
    if (p.name.ends_with("LayerNorm.weight")) {
      EXPECT_EQ(p.tensor->min().item<double>(), 1) << p.name;
    }
  }
}

TEST(Encoder, RowsOfAMaskedLmAreThoseAskedFor) {
  at::NoGradGuard no_grad;
  auto encoder = small_encoder(small_encoder_config("bert"), {HeadKind::kMaskedLm, 0, {}});
  EXPECT_EQ(encoder->head().outputs, 29);
  const Packed packed = two_texts();
  const EncoderOutput out = run_encoder(*encoder, packed);
  const at::Tensor all = encoder->logits(out, packed.offsets), rows = at::tensor({1, 4, 6}, at::kLong);
  EXPECT_LT(largest_gap(encoder->logits(out, packed.offsets, rows), all.index_select(0, rows)), 1e-6);
  const at::Tensor by_parts =
      at::linear(encoder->masked_lm_hidden(out.hidden), encoder->output_weight(), encoder->output_bias());
  EXPECT_LT(largest_gap(by_parts, all), 1e-5);
  EXPECT_EQ(encoder->output_weight().data_ptr(), encoder->word_embeddings().data_ptr());
}

TEST(Encoder, OnlyAMaskedLmHasAVocabularyProduct) {
  auto encoder = small_encoder(small_encoder_config("bert"), kThree);
  EXPECT_THROW(encoder->output_weight(), Error);
  EXPECT_THROW(encoder->masked_lm_hidden(at::ones({1, 24})), Error);
}

TEST(Encoder, ChangedWeightsAreSeenInEveryPrecision) {
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    auto encoder = small_encoder(small_encoder_config("bert"), kThree);
    encoder->set_precision(precision);
    const at::Tensor before = logits_of(*encoder, two_texts());
    at::NoGradGuard no_grad;
    for (const auto& p : parameters_of(*encoder)) p.tensor->mul_(0.5);
    encoder->weights_changed();
    auto other = small_encoder(small_encoder_config("bert"), kThree);
    for (const auto& p : parameters_of(*other)) p.tensor->mul_(0.5);
    other->set_precision(precision);
    EXPECT_TRUE(at::equal(logits_of(*encoder, two_texts()), logits_of(*other, two_texts())));
    EXPECT_GT(largest_gap(before, logits_of(*encoder, two_texts())), 1e-4);
  }
}

TEST(Encoder, AFrozenOneCannotBeTrained) {
  auto encoder = small_encoder(small_encoder_config("bert"), kThree);
  encoder->freeze(Precision::kFp32);
  nn::Parameters parameters;
  EXPECT_THROW(encoder->parameters(parameters), Error);
  EXPECT_THROW(encoder->freeze(Precision::kFp32), Error);
  EXPECT_THROW(encoder->set_precision(Precision::kBf16), Error);
}

TEST(Encoder, HeadsThatCannotBeAreRefused) {
  const EncoderConfig config = read_encoder_config(small_encoder_config("bert"), "test");
  EXPECT_THROW(make_encoder(config, {HeadKind::kClassification, 0, {}}), UserError);
  EXPECT_THROW(make_encoder(config, {HeadKind::kTokens, 3, {"a", "b"}}), UserError);
  EXPECT_EQ(make_encoder(config, {HeadKind::kSpan, 0, {}})->head().outputs, 2);
  auto encoder = small_encoder(small_encoder_config("bert"), kThree);
  const EncoderOutput out = run_encoder(*encoder, two_texts());
  EXPECT_THROW(encoder->logits(out, {0, 4, 8}), Error);
}

}  // namespace
}  // namespace limbeck::models
