#include "formats/gguf_blocks.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "formats/files.h"
#include "formats/safetensors.h"

namespace limbeck::formats {
namespace {

using testing::error_of;

const std::vector<std::pair<GgufType, std::string>> kBlockTypes = {
    {GgufType::kQ4_0, "Q4_0"}, {GgufType::kQ4_1, "Q4_1"}, {GgufType::kQ5_0, "Q5_0"}, {GgufType::kQ5_1, "Q5_1"},
    {GgufType::kQ8_0, "Q8_0"}, {GgufType::kQ4_K, "Q4_K"}, {GgufType::kQ5_K, "Q5_K"}, {GgufType::kQ6_K, "Q6_K"}};

// Equal to the bit, except that any NaN equals any other.
int64_t num_different(const float* a, const float* b, int64_t n) {
  int64_t different = 0;
  for (int64_t i = 0; i < n; ++i)
    if (!(std::isnan(a[i]) && std::isnan(b[i])) && std::memcmp(a + i, b + i, sizeof *a) != 0) ++different;
  return different;
}

// blocks.safetensors: random blocks whose scales include zeros, subnormals, the largest halves and infinities, decoded
// by the gguf Python package (tests/golden/scripts/make_formats_golden.py).
TEST(GgufBlocks, DecodeToTheBitsOfTheGgufPackage) {
  const auto source = open_safetensors(testing::golden("blocks.safetensors"));
  for (const auto& [type, name] : kBlockTypes) {
    const at::Tensor blocks = source->read(name + ".blocks"), expected = source->read(name + ".values");
    const GgufTypeInfo& info = info_of(type);
    EXPECT_EQ(info.name, name);
    ASSERT_EQ(blocks.size(1), info.block_bytes) << name;
    ASSERT_EQ(expected.size(1), info.block_values) << name;
    ASSERT_GT(at::isfinite(expected).sum().item<int64_t>(), expected.numel() / 2) << name;
    std::vector<float> values(static_cast<std::size_t>(expected.numel()));
    decode_blocks(type, static_cast<const std::byte*>(blocks.data_ptr()), values.data(), expected.numel());
    EXPECT_EQ(num_different(values.data(), expected.data_ptr<float>(), expected.numel()), 0) << name;
  }
}

TEST(GgufBlocks, ManyThreadsAndUnalignedBlocksGiveTheSameNumbers) {
  const auto source = open_safetensors(testing::golden("blocks.safetensors"));
  for (const auto& [type, name] : kBlockTypes) {
    const at::Tensor few = source->read(name + ".blocks"), expected = source->read(name + ".values");
    const at::Tensor many = few.repeat({40, 1}).contiguous();
    std::string shifted(1, '\0');
    shifted.append(static_cast<const char*>(many.data_ptr()), many.nbytes());
    at::Tensor values = at::empty({40, expected.numel()});
    decode_blocks(type, reinterpret_cast<const std::byte*>(shifted.data()) + 1, values.data_ptr<float>(),
                  values.numel());
    for (int64_t i = 0; i < 40; ++i)
      EXPECT_EQ(num_different(values[i].data_ptr<float>(), expected.data_ptr<float>(), expected.numel()), 0) << name;
  }
}

TEST(GgufBlocks, EveryHalfDecodesAsAtenConvertsIt) {
  at::Tensor bits = at::arange(65536, at::kInt).to(at::kShort);
  for (const auto& [type, dtype] : {std::pair{GgufType::kF16, at::kHalf}, std::pair{GgufType::kBF16, at::kBFloat16}}) {
    std::vector<float> values(65536);
    decode_blocks(type, static_cast<const std::byte*>(bits.data_ptr()), values.data(), 65536);
    const at::Tensor expected = bits.view(dtype).to(at::kFloat);
    EXPECT_EQ(num_different(values.data(), expected.data_ptr<float>(), 65536), 0);
  }
}

TEST(GgufBlocks, RefuseTypesAndCountsThatTheyCannotDecode) {
  float values[64];
  const std::byte blocks[64] = {};
  EXPECT_EQ(error_of([&] { decode_blocks(GgufType::kQ4_0, blocks, values, 33); }),
            "[decode_blocks] Q4_0: expected a multiple of 32 numbers but received 33");
  EXPECT_NE(error_of([&] { decode_blocks(static_cast<GgufType>(10), blocks, values, 256); }).find("Q2_K"),
            std::string::npos);
  EXPECT_NE(error_of([&] { decode_blocks(static_cast<GgufType>(4), blocks, values, 32); }), "");
  EXPECT_EQ(find_gguf_type(5), nullptr);
  EXPECT_EQ(find_gguf_type(~0u), nullptr);
}

}  // namespace
}  // namespace limbeck::formats
