#include "formats/gguf_write.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "formats/files.h"
#include "formats/gguf.h"

namespace limbeck::formats {
namespace {

using testing::error_of;

TEST(WriteGguf, IsReadBackAsItWasWritten) {
  const testing::TemporaryFolder folder;
  const at::Tensor matrix = at::randn({3, 64}), row = at::randn({5}), cube = at::randn({2, 3, 4});
  write_gguf(folder / "m.gguf",
             {{"general.architecture", std::string("llama")},
              {"a.bool", true},
              {"a.u32", uint32_t{4000000000}},
              {"a.i32", int32_t{-7}},
              {"a.f32", 0.5f},
              {"tokenizer.ggml.tokens", std::vector<std::string>{"a", "", "\xc4\xa0the"}},
              {"a.ids", std::vector<int32_t>{1, -2}},
              {"a.scores", std::vector<float>{0.25f}}},
             {{"matrix.q8", matrix, GgufType::kQ8_0},
              {"row", row, GgufType::kF32},
              {"cube", cube.to(at::kDouble), GgufType::kBF16},
              {"matrix.t", matrix.t(), GgufType::kF16}});
  const auto file = open_gguf(folder / "m.gguf");
  EXPECT_EQ(file->names(), (std::vector<std::string>{"matrix.q8", "row", "cube", "matrix.t"}));
  const Json& m = file->metadata();
  EXPECT_EQ(m.at("general.architecture"), "llama");
  EXPECT_EQ(m.at("a.bool"), true);
  EXPECT_EQ(m.at("a.u32"), 4000000000);
  EXPECT_EQ(m.at("a.i32"), -7);
  EXPECT_EQ(m.at("a.f32"), 0.5);
  EXPECT_EQ(m.at("a.ids"), Json({1, -2}));
  EXPECT_EQ(m.at("a.scores"), Json::array({0.25}));
  EXPECT_EQ(*file->strings("tokenizer.ggml.tokens"), (std::vector<std::string>{"a", "", "\xc4\xa0the"}));
  EXPECT_TRUE(at::equal(file->read("row"), row));
  EXPECT_TRUE(at::equal(file->read("cube"), cube.to(at::kBFloat16).to(at::kFloat)));
  EXPECT_TRUE(at::equal(file->read("matrix.t"), matrix.t().to(at::kHalf).to(at::kFloat)));
  EXPECT_EQ(file->shape("matrix.t"), (std::vector<int64_t>{64, 3}));
  EXPECT_LT((file->read("matrix.q8") - matrix).abs().max().item<double>(), 0.03);
}

TEST(WriteGguf, RefusesTensorsThatTheFormatHasNoRoomForByTheirName) {
  const testing::TemporaryFolder folder;
  const auto message = [&](GgufPiece piece) {
    return error_of([&] { write_gguf(folder / "m.gguf", {}, {std::move(piece)}); });
  };
  const at::Tensor good = at::ones({2, 32});
  EXPECT_NE(message({"w", at::ones({2, 33}), GgufType::kQ4_0}).find("tensor 'w': expected rows of whole Q4_0 blocks"),
            std::string::npos);
  EXPECT_NE(message({std::string(64, 'n'), good}).find("name of 1 to 63 bytes"), std::string::npos);
  EXPECT_NE(message({"w", at::ones({1, 1, 1, 1, 1})}).find("1 to 4 dimensions"), std::string::npos);
  EXPECT_NE(message({"w", at::ones({0, 32})}).find("numbers in them"), std::string::npos);
  EXPECT_NE(message({"w", at::ones({2}, at::kLong)}).find("floating-point"), std::string::npos);
  EXPECT_NE(message({"w", {}}).find("floating-point"), std::string::npos);
  EXPECT_NE(message({"w", good, GgufType::kQ6_K}).find("received Q6_K"), std::string::npos);
  EXPECT_NE(message({"w", at::full({2}, std::numeric_limits<double>::quiet_NaN())}).find("finite"), std::string::npos);
  EXPECT_NE(message({"w", at::full({2}, 1e5), GgufType::kF16}).find("fit F16"), std::string::npos);
  EXPECT_NE(error_of([&] {
              write_gguf(folder / "m.gguf", {}, {{"w", good}, {"w", good}});
            }).find("twice"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "m.gguf"));
}

}  // namespace
}  // namespace limbeck::formats
