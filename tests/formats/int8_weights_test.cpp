#include "formats/int8_weights.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "formats/safetensors.h"

namespace limbeck::formats {
namespace {

namespace fs = std::filesystem;

fs::path int8_file(const std::string& name, const NamedTensors& tensors) {
  const fs::path path = fs::path(::testing::TempDir()) / ("int8_weights_" + name + ".safetensors");
  write_safetensors(path, tensors);
  return path;
}

TEST(Int8Weights, ComeBackWithinHalfAStep) {
  at::manual_seed(1);
  const at::Tensor w = at::randn({5, 7}), bias = at::randn({5});
  const auto stored = with_int8_weights({{"a.weight", w}, {"a.bias", bias}, {"b.weight", w}}, {"a"});
  ASSERT_EQ(stored.size(), 4u);
  EXPECT_EQ(stored[0].second.scalar_type(), at::kChar);
  EXPECT_EQ(stored[1].first, "a.weight_scale");
  EXPECT_TRUE(at::allclose(stored[1].second.view({-1}), w.abs().amax(1) / 127));
  const auto source = read_int8_weights(open_safetensors(int8_file("round", stored)));
  EXPECT_TRUE(source->contains("a.weight"));
  EXPECT_FALSE(source->contains("a.weight_scale"));
  EXPECT_EQ(source->names().size(), 3u);
  EXPECT_EQ(source->shape("a.weight"), (std::vector<int64_t>{5, 7}));
  const at::Tensor back = source->read("a.weight"), half_step = w.abs().amax(1, true) / 254;
  EXPECT_TRUE(((back - w).abs() <= half_step * 1.0001).all().item<bool>());
  EXPECT_TRUE(at::equal(source->read("b.weight"), w));
  EXPECT_TRUE(at::equal(source->read("a.bias"), bias));
  // What was rounded once is not rounded again.
  const auto again = with_int8_weights({{"a.weight", back}}, {"a"});
  EXPECT_TRUE(at::equal(again[0].second, stored[0].second));
}

TEST(Int8Weights, RefusesFilesThatDoNotFit) {
  const at::Tensor integers = at::ones({3, 2}, at::kChar);
  const auto read = [](const std::string& name, const NamedTensors& tensors) {
    return read_int8_weights(open_safetensors(int8_file(name, tensors)))->read("a.weight");
  };
  EXPECT_THROW(read("no_scale", {{"a.weight", integers}}), Error);
  EXPECT_THROW(read("few", {{"a.weight", integers}, {"a.weight_scale", at::ones({2, 1})}}), Error);
  EXPECT_THROW(read("whole", {{"a.weight", integers}, {"a.weight_scale", at::ones({3, 1}, at::kInt)}}), Error);
  EXPECT_THROW(read("wide", {{"a.weight", at::ones({3, 2})}, {"a.weight_scale", at::ones({3, 1})}}), Error);
  EXPECT_THROW(read("nan", {{"a.weight", integers}, {"a.weight_scale", at::full({3, 1}, NAN)}}), Error);
  EXPECT_THROW(with_int8_weights({{"a.weight", at::full({2, 2}, INFINITY)}}, {"a"}), Error);
  EXPECT_THROW(with_int8_weights({{"a.weight", at::ones({2})}}, {"a"}), Error);
  EXPECT_THROW(with_int8_weights({{"a.weight", at::ones({2, 2})}}, {"b"}), Error);
}

TEST(Int8Weights, AConfigSaysWhatItIs) {
  Json config = {{"model_type", "bert"}};
  EXPECT_FALSE(has_int8_weights(config, "config.json"));
  config["quantization_config"] = int8_quantization_config({"classifier"});
  EXPECT_TRUE(has_int8_weights(config, "config.json"));
  Json four = config;
  four["quantization_config"]["config_groups"]["group_0"]["weights"]["num_bits"] = 4;
  EXPECT_THROW(has_int8_weights(four, "config.json"), UserError);
  for (const Json& other : {Json{{"quant_method", "gptq"}}, Json(3), Json::object()}) {
    Json wrong = config;
    wrong["quantization_config"] = other;
    EXPECT_THROW(has_int8_weights(wrong, "config.json"), UserError);
  }
}

}  // namespace
}  // namespace limbeck::formats
