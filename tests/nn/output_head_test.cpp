#include "nn/output_head.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"
#include "tensor/product.h"

namespace limbeck::nn {
namespace {

std::vector<NamedParameter> parameters_of_head(OutputHead& head) {
  Parameters p;
  p.group("lm_head", head);
  return p.list();
}

struct Made {
  Embedding embedding{31, 12};
  OutputHead head;
  explicit Made(const OutputHead::Shape& shape) : head(shape, embedding) {
    at::NoGradGuard no_grad;
    at::manual_seed(4);
    embedding.weight().normal_();
    for (const NamedParameter& p : parameters_of_head(head)) p.tensor->normal_();
  }
};

at::Tensor expected_logits(Made& made, const at::Tensor& hidden, double cap) {
  at::Tensor y = at::matmul(hidden.to(at::kDouble), made.head.weight().to(at::kDouble).t());
  if (made.head.bias().defined()) y = y + made.head.bias();
  return cap > 0 ? at::tanh(y / cap) * cap : y;
}

TEST(OutputHead, LogitsAreTheProductWithBiasAndCapTrainableAndFrozen) {
  at::NoGradGuard no_grad;
  for (const bool tied : {true, false})
    for (const bool bias : {true, false})
      for (const double cap : {0.0, 1.5}) {
        Made made({.vocabulary = 31, .width = 12, .tied = tied, .bias = bias, .softcap = cap});
        const at::Tensor hidden = at::randn({5, 12}), expected = expected_logits(made, hidden, cap);
        EXPECT_LT(relative_error(made.head.logits(hidden), expected), 1e-6);
        EXPECT_EQ(parameters_of_head(made.head).size(), std::size_t{!tied} + std::size_t{bias});
        made.head.set_precision(Precision::kBf16);
        EXPECT_EQ(made.head.low_weight().defined(), !products_read_wide_weights());
        EXPECT_LT(relative_error(made.head.logits(hidden), expected), 1e-2);
        made.head.set_precision(Precision::kFp32);
        EXPECT_FALSE(made.head.low_weight().defined());
        made.head.freeze(Precision::kFp32);
        EXPECT_LT(relative_error(made.head.logits(hidden), expected), 1e-6);
        EXPECT_EQ(made.head.logits(hidden).scalar_type(), at::kFloat);
        EXPECT_TRUE(made.head.is_frozen());
        if (!tied) {
          EXPECT_THROW(made.head.weight(), Error);
        }
      }
}

TEST(OutputHead, ATiedHeadIsTheEmbeddingItself) {
  Made made({.vocabulary = 31, .width = 12, .tied = true});
  EXPECT_TRUE(made.head.weight().is_same(made.embedding.weight()));
}

}  // namespace
}  // namespace limbeck::nn
