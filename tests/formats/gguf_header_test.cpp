#include "formats/gguf_header.h"

#include <gtest/gtest.h>

#include "formats/files.h"
#include "formats/gguf_bytes.h"

namespace limbeck::formats {
namespace {

using testing::error_of;
using testing::ExactBytes;
using testing::GgufBytes;
using testing::TemporaryFolder;

enum : uint32_t { kU8 = 0, kU32 = 4, kBool = 7, kString = 8, kArray = 9, kF32Tensor = 0, kQ4_0Tensor = 2 };

GgufHeader parsed_gguf(const std::string& file) {
  return parse_gguf_header(ExactBytes(file).span(), "m.gguf");
}
std::string gguf_refusal(const GgufBytes& file) {
  return error_of([&] { parsed_gguf(file.bytes()); });
}

TEST(GgufHeader, ReversesShapesAndPlacesTensorsAfterThePadding) {
  GgufBytes file(2);
  file.tensor("w", {64, 3}, kQ4_0Tensor, 0).tensor("b", {5}, kF32Tensor, 128).data(148);
  const GgufHeader header = parsed_gguf(file.bytes());
  EXPECT_EQ(header.version, 3u);
  ASSERT_EQ(header.tensors.size(), 2u);
  EXPECT_EQ(header.tensors[0].shape, (std::vector<int64_t>{3, 64}));
  EXPECT_EQ(header.tensors[0].begin % 32, 0u);
  EXPECT_EQ(header.tensors[0].end - header.tensors[0].begin, 6 * 18u);
  EXPECT_EQ(header.tensors[1].end, file.bytes().size());
}

TEST(GgufHeader, RefusesOtherVersionsAndByteOrders) {
  EXPECT_EQ(gguf_refusal(GgufBytes(0, 0, 2)), "");
  EXPECT_EQ(gguf_refusal(GgufBytes(0, 0, 1)), "[open_gguf] m.gguf: expected GGUF version 2 or 3 but received 1");
  EXPECT_NE(gguf_refusal(GgufBytes(0, 0, 0)).find("expected GGUF version 2 or 3"), std::string::npos);
  EXPECT_NE(gguf_refusal(GgufBytes(0, 0, 0x03000000)).find("received a big-endian one"), std::string::npos);
  const std::string big = read_file(testing::golden("big-endian.gguf"));
  EXPECT_NE(error_of([&] { parsed_gguf(big); }).find("received a big-endian one"), std::string::npos);
  EXPECT_NE(error_of([&] { parsed_gguf(std::string(64, 'x')); }).find("expected the first bytes 'GGUF'"),
            std::string::npos);
}

TEST(GgufHeader, RefusesCountsThatTheFileCannotHold) {
  for (const uint64_t count : {uint64_t{1}, uint64_t{1} << 32, uint64_t{1} << 60, ~uint64_t{0}}) {
    EXPECT_NE(gguf_refusal(GgufBytes(count, 0)), "") << count;
    EXPECT_NE(gguf_refusal(GgufBytes(0, count)), "") << count;
    for (const uint32_t element : {kU8, kString, kArray}) {
      GgufBytes file(0, 1);
      file.array("a", element, count);
      EXPECT_NE(gguf_refusal(file).find("expected a count that the 0 bytes left can hold"), std::string::npos) << count;
    }
    GgufBytes text(0, 1);
    text.key("a", kString).number<uint64_t>(count);
    EXPECT_NE(gguf_refusal(text).find("is the file cut short?"), std::string::npos) << count;
  }
}

TEST(GgufHeader, RefusesArraysTooDeepOrTooLong) {
  GgufBytes deep(0, 1);
  deep.key("a", kArray);
  for (int i = 0; i < 100'000; ++i) deep.number<uint32_t>(kArray).number<uint64_t>(1);
  EXPECT_NE(gguf_refusal(deep).find("expected arrays at most 4 deep"), std::string::npos);

  GgufBytes longest(0, 1);
  longest.array("a", kU8, (1 << 24) + 1).data((1 << 24) + 1);
  EXPECT_NE(gguf_refusal(longest).find("expected at most 16777216 numbers"), std::string::npos);
}

// Parses `file` with so many zeros behind it, which cost nothing on disk.
GgufHeader parsed_sparse(const GgufBytes& file, uint64_t num_zeros) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "m.gguf", file.bytes());
  std::filesystem::resize_file(folder / "m.gguf", file.bytes().size() + num_zeros);
  return parse_gguf_header(MappedFile(folder / "m.gguf").bytes(), "m.gguf");
}

// Zeros are empty strings of 8 bytes each, and of 32 in memory.
TEST(GgufHeader, RefusesStringsWithoutEnd) {
  constexpr uint64_t kMost = 1 << 22;
  const auto with_strings = [](uint64_t count) { return GgufBytes(0, 1).array("a", kString, count); };
  EXPECT_EQ(parsed_sparse(with_strings(kMost), 8 * kMost).strings.at("a").size(), kMost);
  EXPECT_NE(error_of([&] {
              parsed_sparse(with_strings(kMost + 1), 9 * kMost);
            }).find("expected at most 4194304 strings in metadata arrays"),
            std::string::npos);
  GgufBytes nested(0, 1);
  nested.array("a", kArray, 1).number<uint32_t>(kString).number<uint64_t>(kMost + 1);
  EXPECT_NE(error_of([&] { parsed_sparse(nested, 9 * kMost); }).find("expected at most 4194304 strings"),
            std::string::npos);
}

TEST(GgufHeader, RefusesTextsWithoutEnd) {
  constexpr uint64_t kMost = 1 << 28;
  GgufBytes file(0, 1);
  file.key("a", kString).number<uint64_t>(kMost + 1);
  EXPECT_NE(error_of([&] { parsed_sparse(file, kMost + 100); }).find("at most 268435456 bytes of metadata strings"),
            std::string::npos);
}

TEST(GgufHeader, RefusesWhatStandsTwiceOrHasNoName) {
  EXPECT_NE(gguf_refusal(GgufBytes(0, 2).key("a", kU8).number<uint8_t>(1).key("a", kU8).number<uint8_t>(1))
                .find("metadata 'a': expected it once"),
            std::string::npos);
  EXPECT_NE(gguf_refusal(GgufBytes(2).tensor("t", {1}, kF32Tensor, 0).tensor("t", {1}, kF32Tensor, 32).data(36))
                .find("tensor 't': expected it once"),
            std::string::npos);
  EXPECT_NE(gguf_refusal(GgufBytes(1).tensor("", {1}, kF32Tensor, 0).data(4))
                .find("expected a tensor name of 1 to 65535 bytes"),
            std::string::npos);
}

TEST(GgufHeader, RefusesUnknownTypesAndOddBooleans) {
  EXPECT_NE(gguf_refusal(GgufBytes(0, 1).key("a", 13).number<uint64_t>(0))
                .find("expected a metadata type from 0 to 12 but received 13"),
            std::string::npos);
  EXPECT_NE(gguf_refusal(GgufBytes(0, 1).key("a", kBool).number<uint8_t>(2)).find("expected a boolean of 0 or 1"),
            std::string::npos);
  EXPECT_NE(gguf_refusal(GgufBytes(1).tensor("t", {32}, 4, 0).data(64))
                .find("tensor 't': expected a known type but received the number 4"),
            std::string::npos);
}

TEST(GgufHeader, RefusesShapesThatOverflowOrBreakBlocks) {
  const auto with = [](std::vector<uint64_t> sizes, uint32_t type) {
    return gguf_refusal(GgufBytes(1).tensor("t", std::move(sizes), type, 0).data(64));
  };
  EXPECT_EQ(with({4, 4}, kF32Tensor), "");
  EXPECT_EQ(with({}, kF32Tensor), "");
  EXPECT_NE(with({33}, kQ4_0Tensor).find("expected rows of a multiple of 32 numbers for Q4_0 but received 33"),
            std::string::npos);
  EXPECT_NE(with({}, kQ4_0Tensor), "");
  EXPECT_NE(with({1, 1, 1, 1, 1}, kF32Tensor).find("expected at most 4 dimensions"), std::string::npos);
  EXPECT_NE(with({~uint64_t{0}}, kF32Tensor).find("expected sizes below 2^63"), std::string::npos);
  EXPECT_NE(with({1ull << 32, 1ull << 32}, kF32Tensor).find("below 2^63 bytes"), std::string::npos);
  EXPECT_NE(with({1ull << 61}, kF32Tensor).find("below 2^63 bytes"), std::string::npos);
  EXPECT_NE(with({0, 1ull << 62, 1ull << 62}, kF32Tensor).find("below 2^63 bytes"), std::string::npos);
  EXPECT_NE(with({17}, kF32Tensor).find("expected 68 bytes at offset 0 of the data but received 64"),
            std::string::npos);
}

TEST(GgufHeader, RefusesOffsetsOutsideTheFileOrInsideAnotherTensor) {
  const auto at = [](uint64_t offset) {
    return gguf_refusal(GgufBytes(2).tensor("a", {16}, kF32Tensor, 0).tensor("b", {8}, kF32Tensor, offset).data(96));
  };
  EXPECT_EQ(at(64), "");
  EXPECT_NE(at(32).find("tensor 'b': expected bytes of its own but received an offset inside tensor 'a'"),
            std::string::npos);
  EXPECT_NE(at(96), "");
  EXPECT_NE(at(65).find("expected an offset that is a multiple of 32"), std::string::npos);
  EXPECT_NE(at(~uint64_t{0} - 31).find("is the file cut short?"), std::string::npos);
}

TEST(GgufHeader, TakesTheAlignmentThatTheFileNamesIfItIsOne) {
  const auto with = [](uint32_t alignment) {
    GgufBytes file(1, 1);
    file.key("general.alignment", kU32).number<uint32_t>(alignment).tensor("t", {1}, kF32Tensor, 0).data(4, 64);
    return file;
  };
  const GgufHeader header = parsed_gguf(with(64).bytes());
  EXPECT_EQ(header.tensors[0].begin, with(64).bytes().size() - 4);
  for (const uint32_t odd : {0u, 3u, 48u, 1u << 31})
    EXPECT_NE(gguf_refusal(with(odd)).find("expected a general.alignment that is a power of two"), std::string::npos)
        << odd;
  EXPECT_NE(gguf_refusal(GgufBytes(0, 1).key("general.alignment", kString).text("32")), "");
}

TEST(GgufHeader, AFileCutAnywhereIsAnError) {
  const std::string whole = read_file(testing::golden("v3.gguf"));
  const GgufHeader header = parsed_gguf(whole);
  uint64_t end = 0;
  for (const GgufTensor& tensor : header.tensors) end = std::max(end, tensor.end);
  EXPECT_NO_THROW(parsed_gguf(whole.substr(0, end)));  // only padding follows
  for (std::size_t size = 0; size < end; ++size)
    ASSERT_NE(error_of([&] { parsed_gguf(whole.substr(0, size)); }), "") << "cut at " << size;
}

TEST(GgufHeader, TwentyThousandBrokenFilesAreErrorsOrSoundHeaders) {
  const std::string whole = read_file(testing::golden("v3.gguf"));
  Random random(Seed(12));
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string broken = testing::mutated(whole, random);
    GgufHeader header;
    if (!error_of([&] { header = parsed_gguf(broken); }).empty()) {
      ++refused;
      continue;
    }
    for (const GgufTensor& tensor : header.tensors) {
      ASSERT_LE(tensor.begin, tensor.end);
      ASSERT_LE(tensor.end, broken.size());
    }
  }
  EXPECT_GT(refused, 5'000);
  EXPECT_LT(refused, 20'000);  // changes of the numbers themselves are no fault of the header
}

}  // namespace
}  // namespace limbeck::formats
