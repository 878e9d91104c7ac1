#include "recipes/masked_lm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "recipes/tiny_pretraining.h"
#include "train/accumulate.h"

namespace limbeck::recipes {
namespace {

class MaskedLm : public TinyPretraining {
 protected:
  void SetUp() override {
    TinyPretraining::SetUp();
    ::testing::internal::CaptureStdout();
    tokenizer_ = text::Tokenizer::from_folder(tokenizer());
    data_ = open_masked_lm(data(), *tokenizer_, 32);
    ::testing::internal::GetCapturedStdout();
    encoder_ = models::make_encoder({.vocab_size = tokenizer_->vocab_size(),
                                     .hidden_size = 16,
                                     .intermediate_size = 24,
                                     .num_hidden_layers = 2,
                                     .num_attention_heads = 2,
                                     .embedding_size = 16,
                                     .max_position_embeddings = 32,
                                     .initializer_range = 0.3},
                                    {.kind = models::HeadKind::kMaskedLm}, Seed(1));
  }
  // Gradient of the word embeddings of step 3's batch, cut into passes of so many tokens.
  std::pair<double, at::Tensor> gradient(int64_t micro_batch_tokens) {
    const train::Options options{.batch_size = 16};
    MaskedLmHooks hooks(data_, options, Seed(7));
    hooks.before_step(3);
    auto step = masked_lm_step(*encoder_, hooks, Precision::kFp32);
    at::Tensor& table = encoder_->word_embeddings();
    nn::Parameters parameters;
    encoder_->parameters(parameters);
    for (const auto& p : parameters.list()) {
      p.tensor->requires_grad_(true);
      p.tensor->mutable_grad() = at::Tensor();
    }
    data::Order order(static_cast<int64_t>(data_.train.examples.size()), 16, Seed(7).derive("order"));
    const auto result = train::accumulate_gradients(data_.train.examples, order.batch(3), micro_batch_tokens, step);
    return {result.loss, table.grad() * result.gradient_scale};
  }
  std::shared_ptr<const text::Tokenizer> tokenizer_;
  MaskedLmData data_;
  std::shared_ptr<models::Encoder> encoder_;
};

// By LibTorch's own log_softmax over all tokens' logits, in float64.
TEST_F(MaskedLm, LossIsTheMeanOverHiddenTokens) {
  const at::NoGradGuard no_grad;
  const auto figures = masked_lm_figures(*encoder_, data_);
  double loss = 0, right = 0, count = 0;
  for (const auto& [batch, masked] : data_.fixed) {
    const auto plan = models::plan_for(encoder_->config(), batch.offsets);
    const auto logits = encoder_->logits(encoder_->forward(masked.ids, {}, *plan), batch.offsets).to(at::kDouble);
    const auto log_probs = at::log_softmax(logits, 1);
    for (int64_t i = 0; i < batch.ids.numel(); ++i) {
      const bool hidden = (masked.rows == i).any().item<bool>();
      if (!hidden) continue;
      const auto id = batch.ids[i].item<int64_t>();
      loss -= log_probs[i][id].item<double>();
      right += log_probs[i].argmax().item<int64_t>() == id;
      ++count;
    }
    const auto term = masked_lm_loss(*encoder_, masked_pass(*encoder_, batch, masked).hidden, masked, Precision::kFp32);
    EXPECT_EQ(term.count, static_cast<double>(masked.rows.numel()));
  }
  EXPECT_NEAR(figures.loss, loss / count, 1e-5);
  EXPECT_NEAR(figures.accuracy, right / count, 1e-9);
  EXPECT_EQ(figures.num_masked, static_cast<int64_t>(count));
}

TEST_F(MaskedLm, DivergenceFromTheModelItselfIsZero) {
  EXPECT_NEAR(masked_lm_figures(*encoder_, data_, encoder_.get()).divergence, 0, 1e-9);
}

TEST_F(MaskedLm, GradientsDoNotDependOnHowABatchIsCut) {
  const auto [whole_loss, whole] = gradient(100000);
  const auto [cut_loss, cut] = gradient(30);
  EXPECT_NEAR(cut_loss, whole_loss, 1e-5);
  EXPECT_LT((cut - whole).norm().item<double>(), 1e-5 * whole.norm().item<double>());
}

TEST_F(MaskedLm, HidesOtherTokensInEachStepAndTheSameOnesAgain) {
  const train::Options options{.batch_size = 160};
  MaskedLmHooks hooks(data_, options, Seed(7));
  const data::Batch batch = data::collate(data_.train.examples);
  hooks.before_step(0);
  const at::Tensor first = hooks.masks().of(batch).ids;
  const uint64_t salt = hooks.salt();
  hooks.before_step(1);
  EXPECT_FALSE(at::equal(hooks.masks().of(batch).ids, first));
  EXPECT_NE(hooks.salt(), salt);
  hooks.before_step(0);
  EXPECT_TRUE(at::equal(hooks.masks().of(batch).ids, first));
}

TEST_F(MaskedLm, HeldOutTextsHaveTheSameMasksInEveryRun) {
  ::testing::internal::CaptureStdout();
  const auto again = open_masked_lm(data(), *tokenizer_, 32);
  ::testing::internal::GetCapturedStdout();
  ASSERT_EQ(again.fixed.size(), data_.fixed.size());
  EXPECT_TRUE(at::equal(again.fixed[0].masked.ids, data_.fixed[0].masked.ids));
}

}  // namespace
}  // namespace limbeck::recipes
