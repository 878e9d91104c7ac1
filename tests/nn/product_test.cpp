#include "nn/product.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/errors.h"
#include "formats/gguf_encode.h"
#include "nn/gradient_check.h"
#include "tensor/gradients.h"

namespace limbeck::nn {
namespace {

// Inputs: x, two weights, two biases.
std::vector<at::Tensor> inputs() {
  return {exact_randn({9, 12}), exact_randn({5, 12}), exact_randn({7, 12}), exact_randn({5}), exact_randn({7})};
}

Results joined(const std::vector<at::Tensor>& in, Precision precision) {
  Product product;
  return {product.forward(in[0], {{in[1], in[2]}, {in[3], in[4]}}, precision)};
}

Results separate(const std::vector<at::Tensor>& in) {
  return {at::cat({at::linear(in[0], in[1], in[3]), at::linear(in[0], in[2], in[4])}, 1)};
}

TEST(Product, JoinedWeightsGiveTheValuesAndGradientsOfSeparateOnes) {
  const auto in = inputs();
  const auto fp32 = [](const auto& x) { return joined(x, Precision::kFp32); };
  const auto bf16 = [](const auto& x) { return joined(x, Precision::kBf16); };
  EXPECT_LT(relative_error(fp32(in)[0], separate(in)[0]), 1e-6);
  EXPECT_LT(relative_error(bf16(in)[0], separate(in)[0]), 1e-2);
  const auto expected = gradients_of(separate, in), exact = gradients_of(fp32, in), rounded = gradients_of(bf16, in);
  for (std::size_t i = 0; i < in.size(); ++i) {
    EXPECT_LT(relative_error(exact[i], expected[i]), 1e-6) << i;
    // The gradient of a bias is a sum that nearly cancels, so the rounding of what is summed weighs more.
    EXPECT_LT(relative_error(rounded[i], expected[i]), i < 3 ? 1e-2 : 0.1) << i;
    EXPECT_EQ(rounded[i].scalar_type(), at::kFloat) << i;
  }
}

TEST(Product, MastersWithoutGradientsGetNone) {
  auto in = inputs();
  in[0].requires_grad_(true);
  in[2].requires_grad_(true);
  joined(in, Precision::kBf16)[0].sum().backward();
  EXPECT_TRUE(in[0].grad().defined());
  EXPECT_FALSE(in[1].grad().defined());
  EXPECT_TRUE(in[2].grad().defined());
}

TEST(Product, InPlaceGradientsAddUpOverPassesLikeThoseOfAutograd) {
  for (const auto precision : {Precision::kFp32, Precision::kBf16}) {
    const auto backward = [&](std::vector<at::Tensor>& in) {
      for (at::Tensor& t : in) t.requires_grad_(true);
      in[2].requires_grad_(false);
      const at::Tensor outer = at::arange(9 * 12, at::kFloat).sin().view({9, 12});
      for (int pass = 0; pass < 3; ++pass) joined(in, precision)[0].backward(outer);
    };
    at::manual_seed(5);
    auto expected = inputs();
    backward(expected);
    at::manual_seed(5);
    auto got = inputs();
    const GradientsInPlace in_place;
    backward(got);
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i].grad().defined(), i != 2) << i;
      if (i == 2) continue;
      EXPECT_LT(relative_error(got[i].grad(), expected[i].grad()), 1e-6) << i;
    }
  }
}

TEST(Product, ACopyOfScatteredMastersIsKeptUntilOneChanges) {
  at::NoGradGuard no_grad;
  const Masters masters{{exact_randn({3, 4}), exact_randn({2, 4})}, {}};
  Product product;
  const auto rows = [&](int64_t first, int64_t count) {
    return product.joined_weight(masters, Precision::kBf16).narrow(0, first, count).to(at::kBFloat16);
  };
  const void* copy = product.joined_weight(masters, Precision::kBf16).data_ptr();
  EXPECT_EQ(product.joined_weight(masters, Precision::kBf16).data_ptr(), copy);
  masters.weights[1].mul_(2);
  EXPECT_TRUE(at::equal(rows(3, 2), masters.weights[1].to(at::kBFloat16)));
  static_cast<float*>(masters.weights[0].data_ptr())[0] = 77;  // nobody can see this
  EXPECT_NE(rows(0, 1)[0][0].item<float>(), 77);
  product.forget();
  EXPECT_EQ(rows(0, 1)[0][0].item<float>(), 77);
  EXPECT_EQ(product.joined_weight(masters, Precision::kFp32).scalar_type(), at::kFloat);
}

TEST(Product, MastersThatStandBehindEachOtherAreReadWhereTheyStand) {
  at::NoGradGuard no_grad;
  const at::Tensor whole = exact_randn({5, 4}), biases = at::randn({5});
  const Masters masters{{whole.narrow(0, 0, 3), whole.narrow(0, 3, 2)},
                        {biases.narrow(0, 0, 3), biases.narrow(0, 3, 2)}};
  Product product;
  EXPECT_EQ(product.joined_weight(masters, Precision::kFp32).data_ptr(), whole.data_ptr());
  EXPECT_TRUE(at::equal(product.joined_weight(masters, Precision::kFp32), whole));
  EXPECT_TRUE(at::equal(product.joined_bias(masters, Precision::kBf16), biases));
  const Masters swapped{{whole.narrow(0, 3, 2), whole.narrow(0, 0, 3)}, {}};
  Product other;
  EXPECT_NE(other.joined_weight(swapped, Precision::kFp32).data_ptr(), whole.data_ptr());
  EXPECT_TRUE(at::equal(other.joined_weight(swapped, Precision::kFp32).narrow(0, 2, 3), whole.narrow(0, 0, 3)));
}

TEST(FreezeProduct, ComputesTheSameAndARowDoesNotDependOnItsBatch) {
  at::NoGradGuard no_grad;
  const Masters masters{{at::randn({5, 12}), at::randn({50, 12})}, {at::randn({5}), at::randn({50})}};
  const at::Tensor x = at::randn({9, 12});
  const at::Tensor expected = at::linear(x, at::cat(masters.weights), at::cat(masters.biases));
  const FrozenLinear fp32 = freeze_product(masters, Precision::kFp32), bf16 = freeze_product(masters, Precision::kBf16);
  EXPECT_LT(relative_error(fp32(x), expected), 1e-6);
  EXPECT_LT(relative_error(bf16(x), expected), 1e-2);
  EXPECT_EQ(fp32(x).scalar_type(), at::kFloat);
  EXPECT_EQ(bf16(x).scalar_type(), at::kBFloat16);
  for (const FrozenLinear& frozen : {fp32, bf16})
    EXPECT_TRUE(at::equal(frozen(x).narrow(0, 4, 1), frozen(x.narrow(0, 4, 1))));
  EXPECT_EQ(freeze_to_fp32(masters.weights[0], Precision::kBf16)(x.to(at::kBFloat16)).scalar_type(), at::kFloat);
  EXPECT_THROW(fp32(at::randn({3, 11})), Error);
}

TEST(FreezeProduct, KeepsBlocksAsAGgufFileWouldHoldThem) {
  at::NoGradGuard no_grad;
  const Masters masters{{at::randn({5, 70}), at::randn({50, 70})}, {at::randn({5}), at::randn({50})}};  // 70: no blocks
  const at::Tensor whole = at::cat(masters.weights), x = at::randn({9, 70});
  for (const auto& [weights, type] : {std::pair(WeightFormat::kQ8_0, formats::GgufType::kQ8_0),
                                      std::pair(WeightFormat::kQ4_0, formats::GgufType::kQ4_0)}) {
    const at::Tensor padded = at::constant_pad_nd(whole, {0, 26}), stored = at::empty_like(padded);
    std::vector<std::byte> blocks(static_cast<std::size_t>(padded.numel() / 32 * formats::info_of(type).block_bytes));
    formats::encode_blocks(type, padded.const_data_ptr<float>(), blocks.data(), padded.numel());
    formats::decode_blocks(type, blocks.data(), stored.mutable_data_ptr<float>(), padded.numel());
    const at::Tensor expected = at::linear(x, stored.narrow(1, 0, 70), at::cat(masters.biases));
    const FrozenLinear fp32 = freeze_product(masters, Precision::kFp32, weights);
    EXPECT_LT(relative_error(fp32(x), expected), 1e-2);  // x is rounded to 8 bits
    EXPECT_EQ(fp32(x).scalar_type(), at::kFloat);
    EXPECT_EQ(freeze_product(masters, Precision::kBf16, weights)(x.to(at::kBFloat16)).scalar_type(), at::kBFloat16);
    // Blocks that came from a file come out of fp32 masters as they were: nothing is rounded twice.
    const Masters decoded{{stored.narrow(1, 0, 70)}, {at::cat(masters.biases)}};
    EXPECT_TRUE(at::equal(freeze_product(decoded, Precision::kFp32, weights)(x), fp32(x)));
    EXPECT_TRUE(at::equal(fp32(x).narrow(0, 4, 1), fp32(x.narrow(0, 4, 1))));
  }
}

TEST(FreezeProduct, UnderQ4KeepsWhatAMixedFileHeldInFinerBlocks) {
  at::NoGradGuard no_grad;
  const auto held = [](const at::Tensor& numbers, formats::GgufType type) {
    std::vector<std::byte> blocks(static_cast<std::size_t>(numbers.numel() / 32 * formats::info_of(type).block_bytes));
    formats::encode_blocks(type, numbers.const_data_ptr<float>(), blocks.data(), numbers.numel());
    at::Tensor back = at::empty_like(numbers);
    formats::decode_blocks(type, blocks.data(), back.mutable_data_ptr<float>(), numbers.numel());
    return back;
  };
  const at::Tensor coarse = held(at::randn({7, 64}), formats::GgufType::kQ4_0),
                   fine = held(at::randn({5, 64}), formats::GgufType::kQ8_0), x = at::randn({9, 64});
  const Masters masters{{coarse, fine, coarse}, {at::randn({7}), at::randn({5}), at::randn({7})}};
  const at::Tensor y = freeze_product(masters, Precision::kFp32, WeightFormat::kQ4_0)(x);
  const auto alone = [&](std::size_t i, WeightFormat format) {
    return freeze_product({{masters.weights[i]}, {masters.biases[i]}}, Precision::kFp32, format)(x);
  };
  EXPECT_TRUE(at::equal(
      y, at::cat({alone(0, WeightFormat::kQ4_0), alone(1, WeightFormat::kQ8_0), alone(2, WeightFormat::kQ4_0)}, 1)));
  EXPECT_TRUE(at::equal(freeze_to_fp32(fine, Precision::kFp32, WeightFormat::kQ4_0)(x),
                        freeze_to_fp32(fine, Precision::kFp32, WeightFormat::kQ8_0)(x)));
}

}  // namespace
}  // namespace limbeck::nn
