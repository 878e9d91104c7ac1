#include "models/type_free.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "base/message_of.h"

namespace limbeck::models {
namespace {

EncoderConfig tiny_bert() {
  return {.vocab_size = 31,
          .hidden_size = 12,
          .intermediate_size = 20,
          .num_hidden_layers = 3,
          .num_attention_heads = 3,
          .embedding_size = 12,
          .max_position_embeddings = 16};
}

const Head kMasked{.kind = HeadKind::kMaskedLm};

TEST(AsDistilbert, ReadsSingleTextsAsTheBertDid) {
  const at::NoGradGuard no_grad;
  const auto bert = make_encoder(tiny_bert(), kMasked, Seed(1));
  nn::Parameters parameters;
  bert->parameters(parameters);
  for (const auto& p : parameters.list()) p.tensor->add_(at::full_like(*p.tensor, 0.01));  // no bias is 0
  const auto student = as_distilbert(*bert);
  EXPECT_EQ(student->config().model_type, "distilbert");
  EXPECT_EQ(student->config().type_vocab_size, 0);
  const at::Tensor ids = at::tensor({3, 9, 1, 30, 7, 7, 2}, at::kLong);
  const std::vector<int64_t> offsets = {0, 4, 7};
  const auto logits = [&](Encoder& model) {
    const auto plan = plan_for(model.config(), offsets);
    return model.logits(model.forward(ids, {}, *plan), offsets);
  };
  EXPECT_LT((logits(*student) - logits(*bert)).abs().max().item<double>(), 1e-5);
}

TEST(AsDistilbert, RefusesWhatItsConfigCannotSay) {
  EncoderConfig config = tiny_bert();
  config.layer_norm_eps = 1e-5;
  const auto bert = make_encoder(config, kMasked, Seed(1));
  EXPECT_THAT(message_of<UserError>([&] { as_distilbert(*bert); }), ::testing::HasSubstr("layer_norm_eps"));
  const auto classifier = make_encoder(tiny_bert(), {.kind = HeadKind::kClassification, .outputs = 2}, Seed(1));
  EXPECT_THROW(as_distilbert(*classifier), UserError);
}

}  // namespace
}  // namespace limbeck::models
