#include "nn/file_layout.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace limbeck::nn {
namespace {

TEST(FileLayout, APlainTensorIsTheSameInBoth) {
  const at::Tensor x = at::arange(6).view({2, 3});
  EXPECT_TRUE(to_file(x, {}).is_same(x));
  EXPECT_TRUE(from_file(x, {}).is_same(x));
}

TEST(FileLayout, TransposedMatricesComeBackAndBiasesStay) {
  const FileLayout layout{.transposed = true};
  const at::Tensor x = at::arange(6).view({2, 3}), bias = at::arange(3);
  EXPECT_TRUE(at::equal(to_file(x, layout), x.t()));
  EXPECT_TRUE(at::equal(from_file(to_file(x, layout), layout), x));
  EXPECT_EQ(shape_in_file(x, layout), (std::vector<int64_t>{3, 2}));
  EXPECT_TRUE(at::equal(to_file(bias, layout), bias));
}

TEST(FileLayout, JointRowsStandHeadByHeadInTheFile) {
  // Two heads of two rows: in the layer q q q q k k k k v v v v, head 0 first in each.
  const FileLayout layout{.heads = 2};
  const at::Tensor held = at::arange(12);
  EXPECT_TRUE(at::equal(to_file(held, layout), at::tensor({0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11}, at::kLong)));
  EXPECT_TRUE(at::equal(from_file(to_file(held, layout), layout), held));
  const at::Tensor weight = at::arange(60).view({12, 5});
  EXPECT_TRUE(at::equal(to_file(weight, layout)[2], weight[4]));
  EXPECT_TRUE(at::equal(from_file(to_file(weight, layout), layout), weight));
}

}  // namespace
}  // namespace limbeck::nn
