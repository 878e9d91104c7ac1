#include "models/llama.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

std::vector<Json> llama_rows() {
  return golden_rows("variants.json", {"llama", "mistral", "qwen2"});
}

TEST(Llama, LogitsEqualTransformersForEveryVariant) {
  ASSERT_GE(llama_rows().size(), 16u);
  for (const Json& row : llama_rows()) expect_golden_logits(row);
}

TEST(Llama, LossAndGradientNormsEqualTransformersForEveryVariant) {
  for (const Json& row : llama_rows()) expect_golden_gradients(row);
}

TEST(Llama, Bf16ProductsStayNearFp32AndGiveFp32Gradients) {
  auto model = small_model({{"attention_bias", true}, {"mlp_bias", true}});
  const at::Tensor ids = at::arange(24, at::kLong);
  next_token_loss(logits_of_document(*model, ids), ids).backward();
  std::vector<at::Tensor> exact;
  for (const auto& p : parameters_of(*model)) {
    exact.push_back(p.tensor->grad().clone());
    p.tensor->mutable_grad().reset();
  }
  model->set_precision(Precision::kBf16);
  next_token_loss(logits_of_document(*model, ids), ids).backward();
  const auto parameters = parameters_of(*model);
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    ASSERT_EQ(parameters[i].tensor->grad().scalar_type(), at::kFloat) << parameters[i].name;
    difference += (parameters[i].tensor->grad() - exact[i]).square().sum().item<double>();
    size += exact[i].square().sum().item<double>();
  }
  EXPECT_LT(std::sqrt(difference / size), 0.03);
  EXPECT_GT(difference, 0);  // it did run in another precision
}

TEST(Llama, LowPrecisionCopiesAreForgottenWhenWeightsChange) {
  auto model = small_model();
  model->set_precision(Precision::kBf16);
  at::NoGradGuard no_grad;
  const at::Tensor ids = at::arange(10, at::kLong);
  const at::Tensor before = logits_of_document(*model, ids);
  for (const auto& p : parameters_of(*model)) {  // behind LibTorch's back, as an optimiser's kernel does it
    if (p.name.find("proj") == std::string::npos) continue;
    float* data = p.tensor->mutable_data_ptr<float>();
    for (int64_t i = 0; i < p.tensor->numel(); ++i) data[i] *= -0.5f;
  }
  model->weights_changed();
  const at::Tensor after = logits_of_document(*model, ids);
  EXPECT_GT(largest_difference(after, before), 0.01);
  for (const auto& p : parameters_of(*model))  // LibTorch's own changes are noticed
    if (p.name.find("proj") != std::string::npos) p.tensor->mul_(-2);
  EXPECT_EQ(largest_difference(logits_of_document(*model, ids), before), 0);
}

TEST(Llama, FrozenModelComputesWhatTheTrainableOneDoes) {
  at::NoGradGuard no_grad;
  for (const bool tied : {true, false}) {
    const Json changes{{"attention_bias", true}, {"tie_word_embeddings", tied}};
    const at::Tensor ids = at::arange(20, at::kLong);
    const at::Tensor expected = logits_of_document(*small_model(changes), ids);
    auto exact = small_model(changes), rounded = small_model(changes);
    exact->freeze(Precision::kFp32);
    rounded->freeze(Precision::kBf16);
    EXPECT_LT(largest_difference(logits_of_document(*exact, ids), expected), 1e-4);
    EXPECT_LT(largest_difference(logits_of_document(*rounded, ids), expected), 0.1);
    EXPECT_GT(largest_difference(logits_of_document(*rounded, ids), expected), 1e-5);
    for (const auto& [weights, tolerance] :
         {std::pair(WeightFormat::kQ8_0, 0.1), std::pair(WeightFormat::kQ4_0, 1.0)}) {
      auto blocks = small_model(changes);
      blocks->freeze(Precision::kFp32, weights);
      EXPECT_LT(largest_difference(logits_of_document(*blocks, ids), expected), tolerance);
      EXPECT_GT(largest_difference(logits_of_document(*blocks, ids), expected), 1e-5);
    }
    EXPECT_THROW(parameters_of(*exact), Error);
    EXPECT_THROW(exact->freeze(Precision::kBf16), Error);
  }
}

TEST(Llama, HiddenStatesAreThoseAfterTheEmbeddingAndEachBlock) {
  auto model = small_model();
  at::NoGradGuard no_grad;
  const at::Tensor ids = at::arange(9, at::kLong);
  const auto plan = nn::packed_causal({0, 9});
  const ModelOutput out = model->forward(ids, *plan, {.logits = true, .hidden_states = true});
  ASSERT_EQ(out.hidden_states.size(), 4u);
  EXPECT_EQ(largest_difference(out.hidden_states[0], at::embedding(model->output_weight(), ids)), 0);
  EXPECT_LT(largest_difference(model->logits_of(out.hidden), out.logits), 1e-6);
  EXPECT_FALSE(model->forward(ids, *plan).logits.defined());
}

TEST(Llama, TiedParametersAreNamedOnce) {
  EXPECT_EQ(parameters_of(*small_model()).size() + 1,
            parameters_of(*small_model({{"tie_word_embeddings", false}})).size());
}

TEST(Llama, TokenOutsideTheVocabularyIsAnError) {
  auto model = small_model();
  EXPECT_THROW(logits_of_document(*model, ids_tensor({3, 61})), Error);
  EXPECT_THROW(logits_of_document(*model, ids_tensor({-1, 3})), Error);
}

}  // namespace
}  // namespace limbeck::models
