#include "recipes/layer_losses.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "base/errors.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "formats/safetensors.h"

namespace limbeck::recipes {
namespace {

models::EncoderConfig config_of(int64_t layers, int64_t width, int64_t heads = 2) {
  return {.vocab_size = 23,
          .hidden_size = width,
          .intermediate_size = 20,
          .num_hidden_layers = layers,
          .num_attention_heads = heads,
          .embedding_size = width,
          .max_position_embeddings = 16,
          .initializer_range = 0.3,
          .hidden_dropout = 0,
          .attention_dropout = 0};
}

data::Batch batch_of_three() {
  return data::collate(
      {{.ids = {3, 9, 1, 22, 7}, .index = 0}, {.ids = {5}, .index = 1}, {.ids = {7, 2, 11}, .index = 2}});
}

double mean(const objectives::Term& term) {
  return term.sum.item<double>() / term.count;
}

struct Read {
  std::vector<at::Tensor> states;               // [N,D] float64
  std::vector<std::vector<at::Tensor>> scores;  // of each block and document [H,L,L] float64
};

Read read(models::Encoder& model, const data::Batch& batch) {
  const auto plan = models::plan_for(model.config(), batch.offsets);
  const auto output = model.forward(batch.ids, {}, *plan, {.hidden_states = true, .attention = true});
  Read all;
  for (const auto& state : output.hidden_states) all.states.push_back(state.to(at::kDouble));
  for (const auto& parts : output.attention) {
    auto& of_block = all.scores.emplace_back();
    for (std::size_t d = 0; d + 1 < batch.offsets.size(); ++d) {
      const int64_t begin = batch.offsets[d], length = batch.offsets[d + 1] - begin;
      const auto heads = [&](const at::Tensor& x) {
        return x.narrow(0, begin, length).to(at::kDouble).transpose(0, 1);
      };
      of_block.push_back(at::matmul(heads(parts.q), heads(parts.k).transpose(1, 2)) /
                         std::sqrt(static_cast<double>(parts.q.size(2))));
    }
  }
  return all;
}

// The definition with a map of two blocks onto four, in float64.
TEST(LayerLosses, AreThoseOfThePaper) {
  const at::NoGradGuard no_grad;
  const auto student = models::make_encoder(config_of(2, 12), {}, Seed(1));
  const auto teacher = models::make_encoder(config_of(4, 16), {}, Seed(2));
  LayerLearner learner(*student, *teacher, {.attention = 1, .hidden = 2, .embedding = 3}, Precision::kFp32, Seed(3));
  const data::Batch batch = batch_of_three();
  const auto loss = learner.loss(batch, 0);
  at::Tensor weight, bias;
  for (const auto& p : learner.trainable().parameters) {
    if (p.name == "projection.weight") weight = p.tensor->to(at::kDouble);
    if (p.name == "projection.bias") bias = p.tensor->to(at::kDouble);
  }
  const Read ours = read(*student, batch), theirs = read(*teacher, batch);
  const auto state_error = [&](std::size_t s, std::size_t t) {
    return (at::matmul(ours.states[s], weight.t()) + bias - theirs.states[t]).square().mean().item<double>();
  };
  double attention = 0, pairs = 0;
  for (std::size_t d = 0; d < 3; ++d) {
    for (const auto& [s, t] : {std::pair{0, 1}, {1, 3}})
      attention += (ours.scores[s][d] - theirs.scores[t][d]).square().sum().item<double>();
    pairs += static_cast<double>(ours.scores[0][d].numel());
  }
  ASSERT_EQ(loss.terms.size(), 3u);
  EXPECT_NEAR(mean(loss.terms[0]), attention / pairs, 1e-5);
  EXPECT_NEAR(mean(loss.terms[1]), state_error(1, 2) + state_error(2, 4), 1e-5);
  EXPECT_NEAR(mean(loss.terms[2]), state_error(0, 0), 1e-6);
  EXPECT_EQ(loss.terms[1].weight, 2);
}

TEST(LayerLosses, AreZeroWhereTheStudentIsTheTeacherAndTheProjectionTheIdentity) {
  const at::NoGradGuard no_grad;
  const auto model = models::make_encoder(config_of(2, 12), {}, Seed(1));
  LayerLearner learner(*model, *model, {}, Precision::kFp32, Seed(3));
  const TemporaryFolder folder;
  formats::write_safetensors(folder / "identity.safetensors",
                             {{"projection.weight", at::eye(12)}, {"projection.bias", at::zeros({12})}});
  learner.load_projections(folder / "identity.safetensors");
  for (const auto& term : learner.loss(batch_of_three(), 0).terms) EXPECT_NEAR(mean(term), 0, 1e-9) << term.name;
}

TEST(LayerLosses, ComputeOnlyWhatHasAWeight) {
  const auto student = models::make_encoder(config_of(2, 12), {}, Seed(1));
  const auto teacher = models::make_encoder(config_of(4, 16), {}, Seed(2));
  const auto names = [&](const LayerLossOptions& options) {
    std::string joined;
    for (const auto& term :
         LayerLearner(*student, *teacher, options, Precision::kFp32, Seed(3)).loss(batch_of_three(), 0).terms)
      joined += term.name + " ";
    return joined;
  };
  EXPECT_EQ(names({.attention = 0}), "hidden embedding ");
  EXPECT_EQ(names({.hidden = 0, .embedding = 0}), "attention ");
}

TEST(LayerLosses, DividedAsPaddedCountPadding) {
  const at::NoGradGuard no_grad;
  const auto student = models::make_encoder(config_of(2, 12), {}, Seed(1));
  const auto teacher = models::make_encoder(config_of(4, 16), {}, Seed(2));
  const auto means = [&](int64_t padded) {
    std::vector<double> found;
    for (const auto& term : LayerLearner(*student, *teacher, {.padded_length = padded}, Precision::kFp32, Seed(3))
                                .loss(batch_of_three(), 0)
                                .terms)
      found.push_back(mean(term));
    return found;
  };
  const auto real = means(0), padded = means(10);
  EXPECT_NEAR(padded[0], real[0] * (25 + 1 + 9) / (3 * 100.0), 1e-6);  // Σ L² of 3 · 10²
  EXPECT_NEAR(padded[1], real[1] * 9 / 30.0, 1e-6);                    // Σ L of 3 · 10
}

TEST(LayerLosses, KeepTheirProjections) {
  const at::NoGradGuard no_grad;
  const auto student = models::make_encoder(config_of(2, 12), {}, Seed(1));
  const auto teacher = models::make_encoder(config_of(4, 16), {}, Seed(2));
  const LayerLossOptions each{.projection = nn::Projections::Sharing::kEach};
  LayerLearner one(*student, *teacher, each, Precision::kFp32, Seed(3)),
      other(*student, *teacher, each, Precision::kFp32, Seed(4));
  const double before = mean(other.loss(batch_of_three(), 0).terms[1]);
  const TemporaryFolder folder;
  one.save_projections(folder / "p.safetensors");
  other.load_projections(folder / "p.safetensors");
  const double after = mean(other.loss(batch_of_three(), 0).terms[1]);
  EXPECT_NE(before, after);
  EXPECT_NEAR(after, mean(one.loss(batch_of_three(), 0).terms[1]), 1e-7);
}

TEST(LayerLosses, NeedAsManyHeadsAsTheTeacherHas) {
  const auto student = models::make_encoder(config_of(2, 12, 3), {}, Seed(1));
  const auto teacher = models::make_encoder(config_of(4, 16), {}, Seed(2));
  EXPECT_THAT(message_of<UserError>([&] { LayerLearner(*student, *teacher, {}, Precision::kFp32, Seed(3)); }),
              ::testing::HasSubstr("the teacher's 2 attention heads"));
}

}  // namespace
}  // namespace limbeck::recipes
