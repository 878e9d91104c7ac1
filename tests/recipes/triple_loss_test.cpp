#include "recipes/triple_loss.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "recipes/tiny_pretraining.h"
#include "train/accumulate.h"

namespace limbeck::recipes {
namespace {

models::EncoderConfig tiny_config(int64_t vocab_size, double dropout) {
  return {.vocab_size = vocab_size,
          .hidden_size = 16,
          .intermediate_size = 24,
          .num_hidden_layers = 2,
          .num_attention_heads = 2,
          .embedding_size = 16,
          .max_position_embeddings = 32,
          .initializer_range = 0.3,
          .hidden_dropout = dropout,
          .attention_dropout = dropout};
}

class TripleLoss : public TinyPretraining {
 protected:
  void SetUp() override {
    TinyPretraining::SetUp();
    ::testing::internal::CaptureStdout();
    const auto t = text::Tokenizer::from_folder(tokenizer());
    data_ = open_masked_lm(data(), *t, 32);
    ::testing::internal::GetCapturedStdout();
    const models::Head head{.kind = models::HeadKind::kMaskedLm};
    student_ = models::make_encoder(tiny_config(t->vocab_size(), 0), head, Seed(1));
    teacher_ = models::make_encoder(tiny_config(t->vocab_size(), 0), head, Seed(2));
    hooks_.emplace(data_, train::Options{.batch_size = 12}, Seed(3));
    hooks_->before_step(0);
    data::Order order(static_cast<int64_t>(data_.train.examples.size()), 12, Seed(3).derive("order"));
    indices_ = order.batch(0);
    std::vector<data::Example> chosen;
    for (const int64_t i : indices_) chosen.push_back(data_.train.examples[static_cast<std::size_t>(i)]);
    batch_ = data::collate(chosen);
  }
  objectives::Loss loss(models::Encoder& student, models::Encoder& teacher, const TripleLossOptions& options) {
    return triple_loss_step(student, teacher, *hooks_, Precision::kFp32, options)(batch_);
  }
  // Last hidden states [N,D] and logits [N,V], in float64.
  std::pair<at::Tensor, at::Tensor> read(models::Encoder& model) {
    const auto masked = hooks_->masks().of(batch_);
    const auto output = masked_pass(model, batch_, masked);
    return {output.hidden.to(at::kDouble), model.logits(output, batch_.offsets).to(at::kDouble)};
  }
  MaskedLmData data_;
  std::shared_ptr<models::Encoder> student_, teacher_;
  std::optional<MaskedLmHooks> hooks_;
  std::vector<int64_t> indices_;
  data::Batch batch_;
};

// Each term by its definition over whole logits.
TEST_F(TripleLoss, HasTheTermsOfThePaper) {
  const at::NoGradGuard no_grad;
  const auto [hidden_s, logits_s] = read(*student_);
  const auto [hidden_t, logits_t] = read(*teacher_);
  const auto masked = hooks_->masks().of(batch_);
  const double T = 2;
  const at::Tensor q = at::log_softmax(logits_t / T, 1), s = at::log_softmax(logits_s / T, 1);
  const at::Tensor kl = T * T * (q.exp() * (q - s)).sum(1);
  const at::Tensor cosine = 1 - (hidden_s * hidden_t).sum(1) / (hidden_s.norm(2, {1}) * hidden_t.norm(2, {1}));
  const at::Tensor ce =
      -at::log_softmax(logits_s, 1).index_select(0, masked.rows).gather(1, masked.targets.unsqueeze(1)).squeeze(1);
  const auto all = loss(*student_, *teacher_, {});
  ASSERT_EQ(all.terms.size(), 3u);
  const auto mean = [](const objectives::Term& term) { return term.sum.item<double>() / term.count; };
  EXPECT_NEAR(mean(all.terms[0]), kl.mean().item<double>(), 1e-5);
  EXPECT_NEAR(mean(all.terms[1]), ce.mean().item<double>(), 1e-5);
  EXPECT_NEAR(mean(all.terms[2]), cosine.mean().item<double>(), 1e-6);
  EXPECT_EQ(all.terms[0].weight, 5);
  EXPECT_EQ(all.terms[1].weight, 2);
  EXPECT_EQ(all.terms[2].weight, 1);
  const auto hidden = loss(*student_, *teacher_, {.taught = TaughtTokens::kHidden});
  EXPECT_NEAR(mean(hidden.terms[0]), kl.index_select(0, masked.rows).mean().item<double>(), 1e-5);
}

TEST_F(TripleLoss, IsZeroWhereTheStudentIsTheTeacher) {
  const at::NoGradGuard no_grad;
  const auto same = loss(*teacher_, *teacher_, {});
  EXPECT_NEAR(same.terms[0].sum.item<double>() / same.terms[0].count, 0, 1e-6);
  EXPECT_NEAR(same.terms[2].sum.item<double>() / same.terms[2].count, 0, 1e-6);
  EXPECT_GT(same.terms[1].sum.item<double>(), 1);
}

TEST_F(TripleLoss, LeavesOutWhatHasNoWeight) {
  const at::NoGradGuard no_grad;
  EXPECT_EQ(loss(*student_, *teacher_, {.ce = 0}).terms.size(), 2u);
  const auto mlm = loss(*student_, *teacher_, {.ce = 0, .cos = 0});
  ASSERT_EQ(mlm.terms.size(), 1u);
  EXPECT_EQ(mlm.terms[0].name, "masked_lm");
}

// dL_ce/dz_S = T (s - q) / |P|, seen at the output's bias, which every row's logits add.
TEST_F(TripleLoss, GradientOfTheDivergenceIsThatOfThePaper) {
  nn::Parameters parameters;
  student_->parameters(parameters);
  for (const auto& p : parameters.list()) p.tensor->requires_grad_(true);
  const auto term = loss(*student_, *teacher_, {.mlm = 0, .cos = 0}).terms[0];
  const auto received = torch::autograd::grad({term.sum / term.count}, {student_->output_bias()})[0];
  const at::NoGradGuard no_grad;
  const at::Tensor logits_s = read(*student_).second, logits_t = read(*teacher_).second;
  const double T = 2;
  const at::Tensor expected = T * (at::softmax(logits_s / T, 1) - at::softmax(logits_t / T, 1)).mean(0);
  EXPECT_LT((received.to(at::kDouble) - expected).abs().max().item<double>(), 1e-5);
}

TEST_F(TripleLoss, DoesNotDependOnHowABatchIsCut) {
  nn::Parameters parameters;
  student_->parameters(parameters);
  for (const auto& p : parameters.list()) p.tensor->requires_grad_(true);
  const auto step = triple_loss_step(*student_, *teacher_, *hooks_, Precision::kFp32, {});
  const auto gradient = [&](int64_t tokens) {
    for (const auto& p : parameters.list()) p.tensor->mutable_grad() = at::Tensor();
    const auto result = train::accumulate_gradients(data_.train.examples, indices_, tokens, step);
    return std::pair(result.loss, student_->word_embeddings().grad() * result.gradient_scale);
  };
  const auto [whole_loss, whole] = gradient(100000);
  const auto [cut_loss, cut] = gradient(25);
  EXPECT_NEAR(cut_loss, whole_loss, 1e-4);
  EXPECT_LT((cut - whole).norm().item<double>(), 1e-5 * whole.norm().item<double>());
}

}  // namespace
}  // namespace limbeck::recipes
