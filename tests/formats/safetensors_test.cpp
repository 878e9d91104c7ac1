#include "formats/safetensors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "formats/files.h"

namespace limbeck::formats {
namespace {

using testing::error_of;
using testing::golden;
using testing::TemporaryFolder;

TEST(Safetensors, ReadsEveryTypeAsPythonWroteIt) {
  const auto source = open_safetensors(golden("dtypes.safetensors"));
  EXPECT_EQ(source->names().size(), 18u);
  const at::Tensor f32 = source->read("z.f32");
  EXPECT_EQ(source->shape("z.f32"), (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(at::equal(source->read("a.f32"), f32.t() * 2));
  EXPECT_TRUE(at::equal(source->read("f64"), f32.to(at::kDouble)));
  EXPECT_TRUE(at::equal(source->read("f16"), f32.to(at::kHalf)));
  EXPECT_TRUE(at::equal(source->read("bf16"), f32.to(at::kBFloat16)));
  EXPECT_TRUE(at::equal(source->read("e4m3").to(at::kFloat), f32.to(at::kFloat8_e4m3fn).to(at::kFloat)));
  EXPECT_TRUE(at::equal(source->read("e5m2").to(at::kFloat), f32.to(at::kFloat8_e5m2).to(at::kFloat)));
  const auto long_at = [&](const char* name, int64_t i) { return source->read(name).to(at::kLong)[i].item<int64_t>(); };
  EXPECT_EQ(long_at("i64", 0), -(int64_t{1} << 40));
  EXPECT_EQ(long_at("i32", 0), -5);
  EXPECT_EQ(long_at("i16", 0), -300);
  EXPECT_EQ(long_at("i8", 0), -3);
  EXPECT_EQ(long_at("u8", 0), 200);
  EXPECT_EQ(long_at("u16", 0), 60000);
  EXPECT_EQ(long_at("u32", 0), 4000000000);
  EXPECT_EQ(source->read("bool").scalar_type(), at::kBool);
  EXPECT_EQ(long_at("bool", 1), 0);
  EXPECT_EQ(long_at("bool", 2), 1);
  EXPECT_EQ(source->read("scalar").item<float>(), 1.5f);
  EXPECT_EQ(source->read("empty").sizes(), (at::IntArrayRef{0, 4}));
  EXPECT_EQ(source->read("\xc3\xbcnder").item<float>(), 1.0f);
}

TEST(Safetensors, WritesTheSameBytesAsTheReferenceImplementation) {
  const auto source = open_safetensors(golden("dtypes.safetensors"));
  NamedTensors tensors;
  for (const std::string& name : source->names()) tensors.insert(tensors.begin(), {name, source->read(name)});
  const TemporaryFolder folder;
  write_safetensors(folder / "copy.safetensors", tensors, {{"format", "pt"}});
  EXPECT_EQ(read_file(folder / "copy.safetensors"), read_file(golden("dtypes.safetensors")));
}

TEST(Safetensors, ATensorOutlivesTheFileItCameFrom) {
  auto source = open_safetensors(golden("dtypes.safetensors"));
  const at::Tensor tensor = source->read("scalar");
  source.reset();
  EXPECT_EQ(tensor.item<float>(), 1.5f);
}

TEST(Safetensors, StoresViewsAsTheirNumbers) {
  const TemporaryFolder folder;
  const at::Tensor base = at::arange(12, at::kFloat).reshape({3, 4});
  write_safetensors(folder / "v.safetensors", {{"t", base.t()}, {"row", base[1]}, {"step", base.slice(1, 0, 4, 2)}});
  const auto source = open_safetensors(folder / "v.safetensors");
  EXPECT_TRUE(at::equal(source->read("t"), base.t()));
  EXPECT_TRUE(at::equal(source->read("row"), base[1]));
  EXPECT_TRUE(at::equal(source->read("step"), base.slice(1, 0, 4, 2)));
}

TEST(Safetensors, RoundsFloatingPointTensorsToTheStoredTypeAndLeavesTheRest) {
  const TemporaryFolder folder;
  const at::Tensor x = at::linspace(-3, 3, 1001, at::kFloat), ids = at::arange(5, at::kLong);
  for (const at::ScalarType type : {at::kBFloat16, at::kHalf}) {
    write_safetensors(folder / "s.safetensors", {{"x", x}, {"ids", ids}}, {}, type);
    const auto source = open_safetensors(folder / "s.safetensors");
    EXPECT_EQ(source->read("x").scalar_type(), type);
    EXPECT_TRUE(at::equal(source->read("x"), x.to(type)));
    EXPECT_TRUE(at::equal(source->read("ids"), ids));
  }
}

TEST(Safetensors, ANumberTooLargeForTheStoredTypeIsAnErrorAndLeavesNoFile) {
  const TemporaryFolder folder;
  const NamedTensors tensors = {{"fits", at::full({3}, 65504.0f)}, {"big", at::full({2}, 70000.0f)}};
  EXPECT_EQ(error_of([&] { write_safetensors(folder / "x.safetensors", tensors, {}, at::kHalf); }),
            "[write_safetensors] tensor 'big': expected numbers that fit F16 but received 2 that do not");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  // Infinities and NaN that were there before are stored as they are.
  const at::Tensor odd = at::full({1}, std::numeric_limits<float>::infinity());
  EXPECT_NO_THROW(write_safetensors(folder / "x.safetensors", {{"odd", odd}}, {}, at::kHalf));
}

TEST(Safetensors, AFailedWriteKeepsWhatStoodThere) {
  const TemporaryFolder folder;
  write_safetensors(folder / "m.safetensors", {{"a", at::ones({4})}});
  const std::string before = read_file(folder / "m.safetensors");
  EXPECT_NE(error_of([&] {
              write_safetensors(folder / "m.safetensors", {{"a", at::ones({1})}, {"a", at::ones({1})}});
            }),
            "");
  EXPECT_NE(error_of([&] { write_safetensors(folder / "m.safetensors", {{"a", at::Tensor()}}); }), "");
  EXPECT_EQ(read_file(folder / "m.safetensors"), before);
}

TEST(Safetensors, ADiskThatFillsUpLeavesNoHalfWrittenFile) {
  const TemporaryFolder folder;
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = 100'000, .rlim_max = old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string error = error_of([&] {
    write_safetensors(folder / "m.safetensors", {{"a", at::ones({100'000})}});
  });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_NE(error, "");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, ErrorsNameTheFileAndTheTensor) {
  const TemporaryFolder folder;
  const auto source = open_safetensors(golden("dtypes.safetensors"));
  const std::string missing = error_of([&] { source->read("lm_head.weight"); });
  EXPECT_NE(missing.find("dtypes.safetensors: tensor 'lm_head.weight'"), std::string::npos) << missing;
  const std::string absent = error_of([&] { open_safetensors(folder / "nothing.safetensors"); });
  EXPECT_NE(absent.find("nothing.safetensors"), std::string::npos) << absent;
  EXPECT_NE(error_of([&] { open_safetensors(folder.write("empty.safetensors", "")); }).find("empty.safetensors"),
            std::string::npos);
}

TEST(Safetensors, OddBytesOfABooleanAreTrue) {
  const TemporaryFolder folder;
  std::string bytes = read_file(golden("dtypes.safetensors"));
  bytes[bytes.size() - 2] = 2;  // the booleans are the last three bytes: 1 0 1
  const auto source = open_safetensors(folder.write("b.safetensors", bytes));
  EXPECT_EQ(source->read("bool").to(at::kLong).sum().item<int64_t>(), 3);
}

}  // namespace
}  // namespace limbeck::formats
