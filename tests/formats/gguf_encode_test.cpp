#include "formats/gguf_encode.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "formats/files.h"
#include "formats/safetensors.h"

namespace limbeck::formats {
namespace {

struct NamedType {
  const char* name;
  GgufType type;
};
class EncodeBlocks : public ::testing::TestWithParam<NamedType> {};
INSTANTIATE_TEST_SUITE_P(Types, EncodeBlocks,
                         ::testing::Values(NamedType{"F16", GgufType::kF16}, NamedType{"BF16", GgufType::kBF16},
                                           NamedType{"Q8_0", GgufType::kQ8_0}, NamedType{"Q4_0", GgufType::kQ4_0}),
                         [](const auto& info) { return info.param.name; });

std::vector<std::byte> encoded(GgufType type, const at::Tensor& numbers) {
  const GgufTypeInfo& info = info_of(type);
  std::vector<std::byte> blocks(static_cast<std::size_t>(numbers.numel() / info.block_values * info.block_bytes));
  encode_blocks(type, numbers.const_data_ptr<float>(), blocks.data(), numbers.numel());
  return blocks;
}

at::Tensor decoded(GgufType type, const std::vector<std::byte>& blocks, int64_t count) {
  at::Tensor values = at::empty({count}, at::kFloat);
  decode_blocks(type, blocks.data(), values.data_ptr<float>(), count);
  return values;
}

// encoded.safetensors: tests/golden/scripts/make_formats_golden.py
TEST_P(EncodeBlocks, GivesTheBytesOfTheGgufPackage) {
  const auto file = open_safetensors(testing::golden("encoded.safetensors"));
  const at::Tensor numbers = file->read("numbers");
  const at::Tensor expected = file->read(std::string(GetParam().name) + ".blocks").contiguous();
  const auto blocks = encoded(GetParam().type, numbers);
  ASSERT_EQ(blocks.size(), static_cast<std::size_t>(expected.numel()));
  const auto* want = static_cast<const std::byte*>(expected.const_data_ptr());
  for (std::size_t i = 0; i < blocks.size(); ++i)
    ASSERT_EQ(blocks[i], want[i]) << "byte " << i << " of blocks of " << blocks.size() / 64;
}

TEST_P(EncodeBlocks, KeepsWhatItsOwnDecodingGives) {
  const at::Tensor numbers = at::sin(at::arange(32 * 40, at::kFloat) * 1.7) * 3;
  const at::Tensor once = decoded(GetParam().type, encoded(GetParam().type, numbers), numbers.numel());
  const at::Tensor twice = decoded(GetParam().type, encoded(GetParam().type, once), numbers.numel());
  EXPECT_LT((once - twice).abs().max().item<double>(), 1e-3);
  // Q4_0, the coarsest, has a step of an eighth of the block's largest number, and cuts what is a step beyond 7.
  EXPECT_LT((once - numbers).abs().max().item<double>(), numbers.abs().max().item<double>() / 8 + 1e-3);
}

TEST_P(EncodeBlocks, MakesZeroOfWhatIsTooSmallForAScale) {
  const at::Tensor numbers = at::full({32}, std::numeric_limits<float>::denorm_min());
  const at::Tensor back = decoded(GetParam().type, encoded(GetParam().type, numbers), 32);
  EXPECT_LT(back.abs().max().item<double>(), 1e-37);
}

// Any scales and integers, among them blocks without -8, as quantisers that weigh errors make them.
TEST(EncodeBlocksAgain, GivesTheNumbersOfAnyBlocksBack) {
  for (const auto& [type, bytes] : {std::pair(GgufType::kQ4_0, 18), std::pair(GgufType::kQ8_0, 34)}) {
    std::vector<std::byte> blocks(static_cast<std::size_t>(200 * bytes));
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::byte>(i * i * 31 + i / 7 * 113);
    for (std::size_t b = 0; b < 200; ++b) {
      const auto scale = static_cast<uint16_t>(0x1400 + b * 61 + (b % 3 == 0 ? 0x8000 : 0));
      std::memcpy(&blocks[b * static_cast<std::size_t>(bytes)], &scale, 2);
      if (type == GgufType::kQ8_0) blocks[b * 34 + 2 + b % 32] = static_cast<std::byte>(b % 2 ? 127 : 129);
      if (type == GgufType::kQ8_0)
        for (std::size_t j = 2; j < 34; ++j)
          if (blocks[b * 34 + j] == std::byte{128}) blocks[b * 34 + j] = std::byte{0};  // the reference has no -128
      if (type == GgufType::kQ4_0 && b % 2 == 0)
        for (std::size_t j = 2; j < 18; ++j) blocks[b * 18 + j] |= std::byte{0x11};  // no -8
    }
    const at::Tensor once = decoded(type, blocks, 200 * 32);
    std::vector<std::byte> again(blocks.size());
    encode_blocks_again(type, once.const_data_ptr<float>(), again.data(), once.numel());
    EXPECT_TRUE(at::equal(decoded(type, again, 200 * 32), once)) << static_cast<int>(type);
  }
}

// Blocks of any bits with scales that are numbers, as a file of that type may hold them.
std::vector<std::byte> some_blocks(GgufType type, std::size_t count) {
  const auto bytes = static_cast<std::size_t>(info_of(type).block_bytes);
  std::vector<std::byte> blocks(count * bytes);
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::byte>(i * i * 31 + i / 7 * 113);
  for (std::size_t b = 0; b < count; ++b) {
    const auto scale = static_cast<uint16_t>(0x1400 + b * 61 + (b % 3 == 0 ? 0x8000 : 0));
    std::memcpy(&blocks[b * bytes + (type == GgufType::kQ6_K ? bytes - 2 : 0)], &scale, 2);
    const auto least = static_cast<uint16_t>(0x1801 + b * 37);
    if (type == GgufType::kQ4_1) std::memcpy(&blocks[b * bytes + 2], &least, 2);
  }
  return blocks;
}

TEST(BlockTypeOf, IsTheTypeThatAFileHeldTheNumbersIn) {
  const auto found = [](GgufType type) {
    const std::size_t count = 64;
    const int64_t num_values = static_cast<int64_t>(count) * info_of(type).block_values;
    const at::Tensor numbers = decoded(type, some_blocks(type, count), num_values);
    return block_type_of(numbers.const_data_ptr<float>(), num_values);
  };
  EXPECT_EQ(found(GgufType::kQ4_0), GgufType::kQ4_0);
  EXPECT_EQ(found(GgufType::kQ8_0), GgufType::kQ8_0);
  EXPECT_EQ(found(GgufType::kQ5_0), GgufType::kQ8_0) << "integers of 5 bits are integers of 8";
  EXPECT_EQ(found(GgufType::kQ6_K), GgufType::kQ6_K);
  EXPECT_EQ(found(GgufType::kQ4_1), std::nullopt);
}

TEST(BlockTypeOf, OneNumberThatDoesNotFitIsEnough) {
  at::Tensor numbers = decoded(GgufType::kQ8_0, some_blocks(GgufType::kQ8_0, 64), 64 * 32);
  numbers[1000] += 1e-3;
  EXPECT_EQ(block_type_of(numbers.const_data_ptr<float>(), numbers.numel()), std::nullopt);
  const at::Tensor plain = at::sin(at::arange(1024, at::kFloat) * 1.7);
  EXPECT_EQ(block_type_of(plain.const_data_ptr<float>(), plain.numel()), std::nullopt);
  const at::Tensor low = plain.to(at::kBFloat16).to(at::kFloat);
  EXPECT_EQ(block_type_of(low.const_data_ptr<float>(), low.numel()), std::nullopt);
}

TEST(EncodeBlocksAgain, KeepsQ8BlocksWithoutTheLargestInteger) {
  for (const GgufType type : {GgufType::kQ8_0, GgufType::kQ5_0, GgufType::kQ4_0}) {
    const at::Tensor once = decoded(type, some_blocks(type, 64), 64 * 32);  // among them -128
    std::vector<std::byte> again(64 * 34);
    encode_blocks_again(GgufType::kQ8_0, once.const_data_ptr<float>(), again.data(), once.numel());
    EXPECT_TRUE(at::equal(decoded(GgufType::kQ8_0, again, 64 * 32), once)) << static_cast<int>(type);
  }
}

TEST(EncodeBlocksCheck, RefusesHalfBlocksAndTypesThatAreOnlyRead) {
  std::vector<float> numbers(256);
  std::vector<std::byte> blocks(1024);
  EXPECT_NE(testing::error_of([&] {
              encode_blocks(GgufType::kQ8_0, numbers.data(), blocks.data(), 33);
            }).find("multiple of 32"),
            std::string::npos);
  EXPECT_NE(testing::error_of([&] {
              encode_blocks(GgufType::kQ4_K, numbers.data(), blocks.data(), 256);
            }).find("received Q4_K"),
            std::string::npos);
  EXPECT_FALSE(can_encode(GgufType::kQ4_K));
  encode_blocks(GgufType::kQ8_0, numbers.data(), blocks.data(), 0);  // nothing to do
}

}  // namespace
}  // namespace limbeck::formats
