#include "nn/embedding.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/message_of.h"
#include "tensor/gradients.h"

namespace limbeck::nn {
namespace {

Embedding filled(int64_t rows, int64_t width) {
  Embedding embedding(rows, width);
  at::NoGradGuard no_grad;
  embedding.weight().normal_();
  return embedding;
}

TEST(Embedding, GivesTheRowsAndSumsTheirGradients) {
  Embedding embedding = filled(7, 4);
  const at::Tensor ids = at::tensor({6, 0, 6}, at::kLong), y = embedding.forward(ids);
  EXPECT_TRUE(at::equal(y, embedding.weight().index_select(0, ids)));
  y.sum().backward();
  const at::Tensor gradient = embedding.weight().grad();
  EXPECT_EQ(gradient[6][0].item<float>(), 2);
  EXPECT_EQ(gradient[0][3].item<float>(), 1);
  EXPECT_EQ(gradient.sum().item<float>(), 12);
}

TEST(Embedding, AddsToAGradientThatIsThereInPlace) {
  Embedding embedding = filled(7, 70);
  const GradientsInPlace in_place;
  const auto backward = [&] { (embedding.forward(at::tensor({6, 0, 6}, at::kLong)) * 3).sum().backward(); };
  backward();
  const at::Tensor gradient = embedding.weight().grad();
  EXPECT_EQ(gradient[6][69].item<float>(), 6);
  backward();
  EXPECT_TRUE(embedding.weight().grad().is_same(gradient));
  EXPECT_EQ(gradient[6][69].item<float>(), 12);
  EXPECT_EQ(gradient.sum().item<float>(), 2 * 3 * 3 * 70);
}

TEST(Embedding, NamesTheTokenThatIsOutsideTheTable) {
  Embedding embedding = filled(7, 4);
  EXPECT_EQ(message_of([&] {
              embedding.forward(at::tensor({1, 7}, at::kLong));
            }),
            "[embedding] expected ids of 0 to 6 but received 7 at token 1");
  EXPECT_THROW(embedding.forward(at::tensor({-1}, at::kLong)), Error);
  EXPECT_THROW(embedding.forward(at::zeros({2, 2}, at::kLong)), Error);
}

TEST(Embedding, FrozenInBf16GivesFp32Rows) {
  Embedding embedding = filled(7, 4);
  const at::Tensor before = embedding.weight().detach().clone();
  embedding.freeze(Precision::kBf16);
  const at::Tensor y = embedding.forward(at::tensor({3}, at::kLong));
  EXPECT_EQ(y.scalar_type(), at::kFloat);
  EXPECT_FALSE(y.requires_grad());
  EXPECT_TRUE(at::equal(y[0], before[3].to(at::kBFloat16).to(at::kFloat)));
}

}  // namespace
}  // namespace limbeck::nn
