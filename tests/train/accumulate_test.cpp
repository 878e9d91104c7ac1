#include "train/accumulate.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/message_of.h"
#include "train/tiny_model.h"

namespace limbeck::train {
namespace {

std::vector<int64_t> all_of(const std::vector<data::Example>& examples) {
  std::vector<int64_t> indices(examples.size());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

TEST(Accumulate, GivesTheSameLossAndGradientHoweverTheBatchIsCut) {
  const auto examples = counting_texts(40);
  const auto with_budget = [&](int64_t tokens) {
    TinyModel model;
    const auto result = accumulate_gradients(examples, all_of(examples), tokens, model.step());
    return std::pair{result.loss, std::vector<at::Tensor>{model.embedding.grad() * result.gradient_scale,
                                                          model.weight.grad() * result.gradient_scale}};
  };
  const auto [whole_loss, whole] = with_budget(1'000'000);
  for (int64_t tokens : {1, 20, 64, 200}) {
    const auto [loss, gradients] = with_budget(tokens);
    EXPECT_NEAR(loss, whole_loss, 1e-6 * whole_loss) << tokens;
    for (std::size_t i = 0; i < whole.size(); ++i)
      EXPECT_LT((gradients[i] - whole[i]).norm().item<double>(), 1e-6 * whole[i].norm().item<double>()) << tokens;
  }
}

TEST(Accumulate, DividesByTheTokensThatHaveATarget) {
  const std::vector<data::Example> examples{{.ids = {1, 2, 3}, .weights = {0, 0, 1}},
                                            {.ids = {4, 5, 6, 7}, .weights = {1, 1, 1, 1}}};
  const Step step = [](const data::Batch& batch) {
    return objectives::Loss{{{.name = "ones", .sum = batch.weights.sum() * 3, .count = batch.num_targets}}};
  };
  const auto result = accumulate_gradients(examples, {0, 1}, 3, step);
  EXPECT_DOUBLE_EQ(result.loss, 3);
  EXPECT_DOUBLE_EQ(result.gradient_scale, 0.25);
  EXPECT_EQ(result.num_tokens, 7);
}

// Two terms that count different things: 2·x over tokens and 0.5·x² over examples.
objectives::Loss two_terms(const at::Tensor& x, const data::Batch& batch) {
  return {{{.name = "tokens", .sum = x * 2 * batch.num_targets, .count = batch.num_targets},
           {.name = "examples",
            .sum = x * x * static_cast<double>(batch.indices.size()),
            .count = static_cast<double>(batch.indices.size()),
            .weight = 0.5}}};
}

TEST(Accumulate, WeighsTermsThatCountDifferentThingsWhenTheBatchIsWhole) {
  const auto examples = counting_texts(4);
  auto x = at::scalar_tensor(3.0).requires_grad_(true);
  const auto result =
      accumulate_gradients(examples, {0, 1, 2, 3}, 1000, [&](const auto& batch) { return two_terms(x, batch); });
  EXPECT_DOUBLE_EQ(result.loss, 2 * 3 + 0.5 * 9);
  EXPECT_FLOAT_EQ(x.grad().item<float>() * static_cast<float>(result.gradient_scale), 2 + 3);
  EXPECT_EQ(result.terms, (std::vector<std::pair<std::string, double>>{{"tokens", 6}, {"examples", 9}}));
}

// A loss over tokens and one over documents of the tiny model, which a cut shares out unevenly.
Step tokens_and_documents(TinyModel& model) {
  return [&model](const data::Batch& batch) {
    objectives::Loss loss = model.step()(batch);
    const at::Tensor first =
        at::tensor(std::vector<int64_t>(batch.offsets.begin(), batch.offsets.end() - 1), at::kLong);
    const at::Tensor of_documents = model.embedding.index_select(0, batch.ids.index_select(0, first));
    loss.terms.push_back({.name = "documents",
                          .sum = of_documents.square().sum(),
                          .count = static_cast<double>(first.size(0)),
                          .weight = 0.3});
    return loss;
  };
}

TEST(Accumulate, GivesTheSameLossAndGradientHoweverABatchIsCutWhoseTermsCountDifferentThings) {
  const auto examples = counting_texts(40);
  const auto with_budget = [&](int64_t tokens) {
    TinyModel model;
    const auto result = accumulate_gradients(examples, all_of(examples), tokens, tokens_and_documents(model));
    return std::pair{result, std::vector<at::Tensor>{model.embedding.grad() * result.gradient_scale,
                                                     model.weight.grad() * result.gradient_scale}};
  };
  const auto [whole, gradients] = with_budget(1'000'000);
  for (int64_t tokens : {1, 20, 64, 200}) {
    const auto [cut, of_cut] = with_budget(tokens);
    EXPECT_NEAR(cut.loss, whole.loss, 1e-6 * whole.loss) << tokens;
    EXPECT_EQ(cut.num_tokens, whole.num_tokens);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      EXPECT_NEAR(cut.terms[i].second, whole.terms[i].second, 1e-6 * whole.terms[i].second) << tokens;
      EXPECT_LT((of_cut[i] - gradients[i]).norm().item<double>(), 1e-6 * gradients[i].norm().item<double>()) << tokens;
    }
  }
}

TEST(Accumulate, GoesForwardTwiceOnlyWhereCountsDifferAndTheBatchIsCut) {
  const auto examples = counting_texts(8);
  const auto calls = [&](int64_t tokens, const auto& step_of) {
    TinyModel model;
    int count = 0;
    const Step step = step_of(model);
    accumulate_gradients(examples, all_of(examples), tokens, [&](const auto& batch) { return ++count, step(batch); });
    return count;
  };
  EXPECT_EQ(calls(1000, tokens_and_documents), 1);
  EXPECT_EQ(calls(1, [](TinyModel& model) { return model.step(); }), 8);
  EXPECT_EQ(calls(1, tokens_and_documents), 8 + 7);
}

TEST(Accumulate, PassesOverTermsThatAreOnlyLogged) {
  const auto examples = counting_texts(6);
  TinyModel model;
  int count = 0;
  const auto result = accumulate_gradients(examples, all_of(examples), 1, [&](const data::Batch& batch) {
    ++count;
    auto loss = model.step()(batch);
    loss.terms.insert(
        loss.terms.begin(),
        {.name = "length", .sum = at::scalar_tensor(static_cast<double>(batch.ids.numel())), .count = 1, .weight = 0});
    return loss;
  });
  EXPECT_EQ(count, 6);
  EXPECT_EQ(result.loss, result.terms[1].second);
}

TEST(Accumulate, RefusesABatchWithNothingToLearn) {
  TinyModel model;
  const std::vector<data::Example> examples{{.ids = {1, 2}, .weights = {0, 0}}};
  EXPECT_NE(
      message_of([&] { accumulate_gradients(examples, {0}, 100, model.step()); }).find("nothing in it has a loss"),
      std::string::npos);
}

}  // namespace
}  // namespace limbeck::train
