#include "models/encoder_heads.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

template <class Layer>
std::map<std::string, at::Tensor> filled(Layer& layer) {
  at::NoGradGuard no_grad;
  nn::Parameters p;
  layer.parameters(p);
  std::map<std::string, at::Tensor> tensors;
  for (const nn::NamedParameter& one : p.list()) {
    fill_by_formula(one.name, *one.tensor);
    tensors[one.name] = *one.tensor;
  }
  return tensors;
}

at::Tensor rows_of(int64_t n, int64_t width) {
  at::Tensor x = at::empty({n, width});
  fill_by_formula("rows", x);
  return x;
}

TEST(OutputsHead, IsTheProductsAndTheActivationBetweenThem) {
  OutputsHead head({.dense = "dense", .activation = nn::Activation::kRelu, .out = "out"}, 7, 3);
  const auto w = filled(head);
  ASSERT_EQ(w.size(), 4u);
  const at::Tensor x = rows_of(5, 7);
  const at::Tensor between = at::relu(at::linear(x, w.at("dense.weight"), w.at("dense.bias")));
  const at::Tensor expected = at::linear(between, w.at("out.weight"), w.at("out.bias"));
  EXPECT_LT(largest_gap(head.forward(x, {}), expected), 1e-6);
  head.freeze(Precision::kFp32, WeightFormat::kAsPrecision);
  at::NoGradGuard no_grad;
  EXPECT_LT(largest_gap(head.forward(x, {}), expected), 1e-6);
}

TEST(OutputsHead, WithoutOutputsGivesWhatThePoolerGives) {
  OutputsHead head({.dense = "pooler.dense"}, 7, 0);
  const auto w = filled(head);
  const at::Tensor x = rows_of(2, 7);
  EXPECT_LT(
      largest_gap(head.forward(x, {}), at::tanh(at::linear(x, w.at("pooler.dense.weight"), w.at("pooler.dense.bias")))),
      1e-6);
}

TEST(OutputsHead, DropsWhereItsLayoutSays) {
  OutputsHead plain({.dense = "dense", .out = "out"}, 40, 2),
      drops({.dense = "dense", .dropout_out = 0.5, .out = "out"}, 40, 2);
  filled(plain), filled(drops);
  const at::Tensor x = rows_of(3, 40);
  const RowDropout dropout{at::arange(3, at::kLong), 9};
  EXPECT_TRUE(at::equal(plain.forward(x, dropout), plain.forward(x, {})));
  EXPECT_TRUE(at::equal(drops.forward(x, {}), plain.forward(x, {})));
  EXPECT_GT(largest_gap(drops.forward(x, dropout), plain.forward(x, {})), 1e-3);
  EXPECT_TRUE(at::equal(drops.forward(x, dropout), drops.forward(x, dropout)));
}

TEST(MaskedLmHead, TransformThenTiedProductIsTheLogits) {
  EncoderConfig c;
  c.vocab_size = 11, c.hidden_size = 8, c.embedding_size = 6;
  nn::Embedding words(11, 6);
  MaskedLmHead head({.dense = "t.dense", .norm = "t.norm", .output = "p"}, c, words);
  filled(words);
  const auto w = filled(head);
  EXPECT_EQ(w.count("p.weight"), 0u);
  const at::Tensor x = rows_of(4, 8);
  const at::Tensor between = at::gelu(at::linear(x, w.at("t.dense.weight"), w.at("t.dense.bias")));
  const at::Tensor normed = at::layer_norm(between, {6}, w.at("t.norm.weight"), w.at("t.norm.bias"), 1e-12);
  EXPECT_LT(largest_gap(head.transform(x), normed), 1e-5);
  EXPECT_LT(largest_gap(head.output().logits(head.transform(x)), at::linear(normed, words.weight(), w.at("p.bias"))),
            1e-5);
}

}  // namespace
}  // namespace limbeck::models
