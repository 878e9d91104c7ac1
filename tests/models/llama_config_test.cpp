#include "models/llama_config.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/formula_weights.h"

namespace limbeck::models {
namespace {

TEST(LlamaConfig, LayerTypesAreReadAndWritten) {
  DecoderConfig c;
  c.num_hidden_layers = 3;
  const Json json{{"layer_types", {"full_attention", "sliding_attention", "full_attention"}}};
  EXPECT_TRUE(read_layer_types(ConfigReader(json, "test"), c));
  EXPECT_EQ(c.windowed_layers, (std::vector<bool>{false, true, false}));
  c.sliding_window = 5;
  Json written;
  write_layer_types(c, written);
  EXPECT_EQ(written, json);
  const Json none = Json::object(), wrong{{"layer_types", {"full_attention", "chunked", "full_attention"}}};
  EXPECT_FALSE(read_layer_types(ConfigReader(none, "test"), c));
  EXPECT_NE(message_of([&] { read_layer_types(ConfigReader(wrong, "test"), c); }).find("layer_types"),
            std::string::npos);
}

TEST(LlamaConfig, ALayerCountFromOutsideIsCheckedBeforeAListIsMadeByIt) {
  DecoderConfig c;
  Json json = small_config({{"num_hidden_layers", int64_t{1} << 50}});
  EXPECT_NE(message_of([&] { read_sizes(ConfigReader(json, "test"), c); }).find("num_hidden_layers"),
            std::string::npos);
}

TEST(LlamaConfig, WeightsOfNormsOfHeadsAreCounted) {
  const auto model = small_model({{"model_type", "qwen3"}, {"head_dim", 8}, {"attention_bias", true}});
  int64_t weights = 0;
  for (const auto& p : parameters_of(*model)) weights += p.tensor->numel();
  EXPECT_EQ(count_llama_weights(model->config()), static_cast<double>(weights));
}

}  // namespace
}  // namespace limbeck::models
