#include "nn/pooling.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "nn/gradient_check.h"

namespace limbeck::nn {
namespace {

constexpr Pooling kAll[] = {Pooling::kFirst, Pooling::kMean, Pooling::kMax, Pooling::kMeanSqrtLength, Pooling::kLast};
const std::vector<int64_t> kOffsets = {0, 3, 4, 9};

// By LibTorch, a document at a time.
at::Tensor by_libtorch(const at::Tensor& rows, const std::vector<int64_t>& offsets, Pooling pooling) {
  std::vector<at::Tensor> vectors;
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    const int64_t n = offsets[i + 1] - offsets[i];
    const at::Tensor document = rows.narrow(0, offsets[i], n);
    if (pooling == Pooling::kFirst) vectors.push_back(document[0]);
    if (pooling == Pooling::kMean) vectors.push_back(document.mean(0));
    if (pooling == Pooling::kMax) vectors.push_back(document.amax(0));
    if (pooling == Pooling::kMeanSqrtLength) vectors.push_back(document.sum(0) / std::sqrt(static_cast<double>(n)));
    if (pooling == Pooling::kLast) vectors.push_back(document[n - 1]);
  }
  return at::stack(vectors);
}

TEST(Pool, EqualsLibTorchDocumentByDocumentWithItsGradient) {
  at::manual_seed(1);
  for (const Pooling pooling : kAll) {
    const at::Tensor ours = at::randn({9, 7}).requires_grad_(true);
    const at::Tensor theirs = ours.detach().to(at::kDouble).requires_grad_(true);
    const at::Tensor weights = at::randn({3, 7});
    const at::Tensor y = pool(ours, kOffsets, pooling), expected = by_libtorch(theirs, kOffsets, pooling);
    EXPECT_LT((y - expected).abs().max().item<double>(), 1e-6) << static_cast<int>(pooling);
    (y * weights).sum().backward();
    (expected * weights).sum().backward();
    EXPECT_LT((ours.grad() - theirs.grad()).abs().max().item<double>(), 1e-6) << static_cast<int>(pooling);
    at::NoGradGuard no_grad;
    EXPECT_TRUE(at::equal(pool(ours, kOffsets, pooling), y));
  }
}

TEST(Pool, ADocumentsVectorDoesNotDependOnTheOthers) {
  at::manual_seed(2);
  const at::Tensor rows = at::randn({9, 5});
  for (const Pooling pooling : kAll) {
    const at::Tensor alone = pool(rows.narrow(0, 4, 5).contiguous(), {0, 5}, pooling);
    EXPECT_TRUE(at::equal(pool(rows, kOffsets, pooling)[2], alone[0]));
  }
}

TEST(Pool, RefusesDocumentsWithoutRowsAndOtherOffsets) {
  const at::Tensor rows = at::ones({4, 2});
  EXPECT_THROW(pool(rows, {0, 2, 2, 4}, Pooling::kMean), Error);
  EXPECT_THROW(pool(rows, {0, 5}, Pooling::kMean), Error);
  EXPECT_THROW(pool(rows, {4}, Pooling::kMean), Error);
}

TEST(UnitRows, HaveLengthOneAndZeroStaysZero) {
  const at::Tensor x = at::tensor({3.0f, 4.0f, 0.0f, 0.0f}).view({2, 2});
  EXPECT_TRUE(at::allclose(unit_rows(x), at::tensor({0.6f, 0.8f, 0.0f, 0.0f}).view({2, 2})));
}

}  // namespace
}  // namespace limbeck::nn
