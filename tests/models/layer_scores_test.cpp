#include "models/layer_scores.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"

namespace limbeck::models {
namespace {

std::vector<at::Tensor> states(int64_t tokens) {
  at::manual_seed(1);
  std::vector<at::Tensor> all;
  for (int i = 0; i < 4; ++i) all.push_back(at::randn({tokens, 6}));
  all.push_back(all.back().clone());  // a block that changes nothing
  return all;
}

TEST(Contribution, IsTheCosineOfInputAndOutputAtTheFirstToken) {
  const auto hidden = states(9);
  Contribution contribution;
  contribution.add(hidden, {0, 4, 9});
  const auto scores = contribution.scores();
  ASSERT_EQ(scores.size(), 4u);
  for (std::size_t b = 0; b < 4; ++b) {
    double expected = 0;
    for (const int64_t token : {0, 4}) {
      const at::Tensor x = hidden[b][token].to(at::kDouble), y = hidden[b + 1][token].to(at::kDouble);
      expected += (x.dot(y) / (x.norm() * y.norm())).item<double>() / 2;
    }
    EXPECT_NEAR(scores[b], expected, 1e-12);
  }
  EXPECT_NEAR(scores[3], 1, 1e-12);
}

TEST(Contribution, DoesNotDependOnHowTextsAreBatched) {
  const auto hidden = states(9);
  for (const auto tokens : {Contribution::Tokens::kFirst, Contribution::Tokens::kAll}) {
    Contribution whole(tokens), parts(tokens);
    whole.add(hidden, {0, 4, 9});
    const auto slice = [&](int64_t begin, int64_t end) {
      std::vector<at::Tensor> part;
      for (const auto& h : hidden) part.push_back(h.slice(0, begin, end));
      return part;
    };
    parts.add(slice(0, 4), {0, 4});
    parts.add(slice(4, 9), {0, 5});
    for (std::size_t b = 0; b < 4; ++b) EXPECT_NEAR(parts.scores()[b], whole.scores()[b], 1e-14);
  }
  EXPECT_THROW(Contribution().scores(), Error);
}

TEST(WeightScores, AreSumsOfAbsoluteValuesOrVariancesOfABlock) {
  at::Tensor a = at::tensor({1.0f, -3.0f}), b = at::tensor({2.0f}), c = at::tensor({0.5f, 0.5f}), other = at::ones({9});
  const std::vector<nn::NamedParameter> parameters = {{"bert.embeddings.word_embeddings.weight", &other},
                                                      {"bert.encoder.layer.0.x.weight", &a},
                                                      {"bert.encoder.layer.0.x.bias", &b},
                                                      {"bert.encoder.layer.1.x.weight", &c}};
  EXPECT_EQ(weight_scores(parameters, 2, WeightScore::kSum), (std::vector<double>{6, 1}));
  const auto variances = weight_scores(parameters, 2, WeightScore::kVariance);
  EXPECT_NEAR(variances[0], 14.0 / 3, 1e-12);  // of 1, -3, 2: mean 0
  EXPECT_NEAR(variances[1], 0, 1e-12);
  EXPECT_NE(message_of<UserError>([&] { weight_scores(parameters, 3, WeightScore::kSum); }).find("block 2"),
            std::string::npos);
}

TEST(WeightScores, FindTheBlockInAName) {
  EXPECT_EQ(block_of("distilbert.transformer.layer.11.ffn.lin1.weight"), 11);
  EXPECT_EQ(block_of("model.layers.0.mlp.up_proj.weight"), 0);
  EXPECT_EQ(block_of("bert.pooler.dense.weight"), std::nullopt);
  EXPECT_EQ(block_of("lin1.weight"), std::nullopt);
  EXPECT_EQ(block_of(""), std::nullopt);
}

}  // namespace
}  // namespace limbeck::models
