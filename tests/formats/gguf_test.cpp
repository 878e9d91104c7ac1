#include "formats/gguf.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "formats/files.h"
#include "formats/gguf_bytes.h"

namespace limbeck::formats {
namespace {

using testing::error_of;
using testing::golden;

// v2.gguf and v3.gguf come from the gguf Python package, gguf.safetensors is what that package reads from them.
class GoldenGguf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Versions, GoldenGguf, ::testing::Values("v2.gguf", "v3.gguf"));

TEST_P(GoldenGguf, HasTheTensorsThatTheGgufPackageReads) {
  const auto file = open_gguf(golden(GetParam()));
  const auto expected = open_safetensors(golden("gguf.safetensors"));
  EXPECT_EQ(file->names().size(), expected->names().size());
  for (const std::string& name : expected->names()) {
    ASSERT_TRUE(file->contains(name)) << name;
    const at::Tensor value = file->read(name), want = expected->read(name);
    EXPECT_EQ(file->shape(name), want.sizes().vec()) << name;
    EXPECT_EQ(value.scalar_type(), want.scalar_type()) << name;
    EXPECT_TRUE(at::equal(value, want)) << name;
  }
}

TEST_P(GoldenGguf, HasMetadataOfEveryType) {
  const auto file = open_gguf(golden(GetParam()));
  const Json& m = file->metadata();
  EXPECT_EQ(m.at("general.architecture"), "llama");
  EXPECT_EQ(m.at("a.u8"), 200);
  EXPECT_EQ(m.at("a.i8"), -100);
  EXPECT_EQ(m.at("a.u16"), 60000);
  EXPECT_EQ(m.at("a.i16"), -30000);
  EXPECT_EQ(m.at("a.u32"), 4000000000);
  EXPECT_EQ(m.at("a.i32"), -2000000000);
  EXPECT_EQ(m.at("a.u64").get<uint64_t>(), (uint64_t{1} << 63) + 5);
  EXPECT_EQ(m.at("a.i64").get<int64_t>(), -(int64_t{1} << 62));
  EXPECT_EQ(m.at("a.f32"), 0.5);
  EXPECT_EQ(m.at("a.f64"), 0.1);
  EXPECT_EQ(m.at("a.bool"), true);
  EXPECT_EQ(m.at("a.string"),
            "G\xc3\xbc\xc3\x9f"
            "e, \xe4\xb8\x96\xe7\x95\x8c");
  EXPECT_EQ(m.at("a.numbers"), Json({1, -2, 3}));
  EXPECT_EQ(m.at("a.floats"), Json({0.5, 2.0}));
  EXPECT_EQ(m.at("a.nested"), Json::parse("[[1,2],[3]]"));
}

TEST_P(GoldenGguf, KeepsArraysOfStringsOutOfTheJson) {
  const auto file = open_gguf(golden(GetParam()));
  EXPECT_FALSE(file->metadata().contains("tokenizer.ggml.tokens"));
  ASSERT_NE(file->strings("tokenizer.ggml.tokens"), nullptr);
  EXPECT_EQ(*file->strings("tokenizer.ggml.tokens"), (std::vector<std::string>{"<s>", "\xc4\xa0the", "\xc4\x8a", ""}));
  EXPECT_EQ(file->strings("tokenizer.ggml.merges"), nullptr);
}

TEST(Gguf, GivesTheBlocksThemselves) {
  const auto file = open_gguf(golden("v3.gguf"));
  const GgufBlocks blocks = file->blocks("blocks.q8_0");
  EXPECT_EQ(blocks.type, GgufType::kQ8_0);
  ASSERT_EQ(blocks.bytes.size(), 6 * 34u);
  std::vector<float> values(6 * 32);
  decode_blocks(blocks.type, blocks.bytes.data(), values.data(), 6 * 32);
  EXPECT_TRUE(at::equal(file->read("blocks.q8_0").flatten(), at::from_blob(values.data(), {6 * 32})));
}

TEST(Gguf, ATypeThatCannotBeDecodedIsRefusedWhenItIsReadAndNotBefore) {
  const testing::TemporaryFolder folder;
  testing::GgufBytes bytes(2);
  bytes.tensor("w", {256}, 10, 0).tensor("b", {1}, 0, 96).data(100);
  const auto file = open_gguf(folder.write("q2.gguf", bytes.bytes()));
  EXPECT_EQ(file->shape("w"), std::vector<int64_t>{256});
  EXPECT_EQ(file->read("b").item<float>(), 0);
  const std::string error = error_of([&] { file->read("w"); });
  EXPECT_NE(error.find("q2.gguf: tensor 'w': expected a type that can be decoded but received Q2_K"), std::string::npos)
      << error;
}

TEST(Gguf, ErrorsNameTheFileAndTheTensor) {
  const auto file = open_gguf(golden("v3.gguf"));
  EXPECT_NE(error_of([&] { file->read("output.weight"); }).find("v3.gguf: tensor 'output.weight'"), std::string::npos);
  EXPECT_NE(error_of([&] { file->blocks("output.weight"); }), "");
  EXPECT_NE(error_of([&] { open_gguf(golden("nothing.gguf")); }).find("nothing.gguf"), std::string::npos);
}

std::filesystem::path smollm2() {
  const char* deps = std::getenv("LIMBECK_DEPS");
  const char* home = std::getenv("HOME");
  const std::filesystem::path root =
      deps ? std::filesystem::path(deps) : std::filesystem::path(home ? home : "") / ".cache/limbeck";
  return root / "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
}

TEST(Gguf, OpensARealModel) {
  if (!std::filesystem::exists(smollm2())) GTEST_SKIP() << "no " << smollm2() << "; scripts/setup fetches it";
  const auto file = open_gguf(smollm2());
  EXPECT_EQ(file->metadata().at("general.architecture"), "llama");
  EXPECT_EQ(file->metadata().at("llama.block_count"), 30);
  ASSERT_NE(file->strings("tokenizer.ggml.tokens"), nullptr);
  EXPECT_EQ(file->strings("tokenizer.ggml.tokens")->size(), 49152u);
  EXPECT_EQ(file->shape("token_embd.weight"), (std::vector<int64_t>{49152, 576}));
  const at::Tensor q = file->read("blk.0.attn_q.weight");
  EXPECT_EQ(q.sizes(), (at::IntArrayRef{576, 576}));
  EXPECT_TRUE(at::isfinite(q).all().item<bool>());
  const double deviation = q.std().item<double>();
  EXPECT_GT(deviation, 0.01);
  EXPECT_LT(deviation, 1);
}

}  // namespace
}  // namespace limbeck::formats
