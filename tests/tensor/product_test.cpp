#include "tensor/product.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace limbeck {
namespace {

double error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wide).norm() / (wide.norm() + 1e-30)).item<double>();
}

// Operands that lie in wider tables, as parts of joined projections do.
struct Operands {
  explicit Operands(at::ScalarType type) {
    at::manual_seed(3);
    x = at::randn({37, 40}).to(type).narrow(1, 5, 21);
    w = at::randn({50, 21}).to(type);
    dy = at::randn({37, 70}).to(type).narrow(1, 11, 50);
    bias = at::randn({50});
  }
  at::Tensor x, w, dy, bias;
};

TEST(Products, EqualThoseOfFloat64InEveryType) {
  for (const auto type : {at::kFloat, at::kBFloat16, at::kDouble}) {
    const Operands in(type);
    const at::Tensor x = in.x.to(at::kDouble), w = in.w.to(at::kDouble), dy = in.dy.to(at::kDouble);
    const double room = type == at::kBFloat16 ? 5e-3 : 1e-6;
    EXPECT_LT(error(times_transposed(in.x, in.w), at::mm(x, w.t())), room) << type;
    EXPECT_LT(error(times_transposed(in.x, in.w, in.bias), at::linear(x, w, in.bias.to(at::kDouble))), room) << type;
    EXPECT_LT(error(times(in.dy, in.w), at::mm(dy, w)), room) << type;
    EXPECT_EQ(times(in.dy, in.w).scalar_type(), type);

    const auto sums = type == at::kDouble ? at::kDouble : at::kFloat;
    at::Tensor dw = at::full({50, 21}, std::nan(""), sums);
    transposed_times(in.dy, in.x, dw, Into::kNew);
    EXPECT_LT(error(dw, at::mm(dy.t(), x)), room) << type;
    transposed_times(in.dy, in.x, dw, Into::kSum);
    EXPECT_LT(error(dw, 2 * at::mm(dy.t(), x)), room) << type;
  }
}

TEST(Products, OfBf16CanBeHadInFp32) {
  const Operands in(at::kBFloat16);
  at::Tensor dx = at::empty({37, 21}), y = at::empty({37, 50});
  times(in.dy, in.w, dx);
  times_transposed(in.x, in.w, {}, y);
  EXPECT_LT(error(dx, at::mm(in.dy.to(at::kDouble), in.w.to(at::kDouble))), 5e-3);
  EXPECT_LT(error(y, at::mm(in.x.to(at::kDouble), in.w.to(at::kDouble).t())), 5e-3);
}

TEST(Products, OfNoRowsAreEmptyAndAddNothing) {
  const at::Tensor none = at::empty({0, 4}), w = at::randn({3, 4});
  EXPECT_EQ(times_transposed(none, w).sizes(), (at::IntArrayRef{0, 3}));
  at::Tensor dw = at::ones({3, 4});
  transposed_times(at::empty({0, 3}), none, dw, Into::kSum);
  EXPECT_TRUE(at::equal(dw, at::ones({3, 4})));
  transposed_times(at::empty({0, 3}), none, dw, Into::kNew);
  EXPECT_TRUE(at::equal(dw, at::zeros({3, 4})));
}

TEST(Products, RefuseOperandsThatDoNotFit) {
  EXPECT_THROW(times_transposed(at::randn({2, 3}), at::randn({2, 4})), c10::Error);
  EXPECT_THROW(times(at::randn({2, 3}), at::randn({2, 4})), c10::Error);
}

}  // namespace
}  // namespace limbeck
