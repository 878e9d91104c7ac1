#include "models/gemma3.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/gguf_model.h"
#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

TEST(Gemma3, LogitsAndGradientsEqualTransformers) {
  expect_golden("gemma3_text");
}

TEST(Gemma3, TheFirstFiveOfSixBlocksSeeAWindow) {
  Json config = golden_rows("architectures.json", {"gemma3_text"})[0].at("config");
  config.erase("sliding_window_pattern");
  config["num_hidden_layers"] = 12;
  const DecoderConfig c = read_config(config, "test");
  for (int64_t layer = 0; layer < 12; ++layer) EXPECT_EQ(window_of(c, layer).has_value(), layer % 6 != 5) << layer;
}

TEST(Gemma3, AnUnusableRopeNamesItsKey) {
  const Json config = golden_rows("architectures.json", {"gemma3_text"})[0].at("config");
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, Json>>{{"rope_parameters", 3},
                                                 {"rope_parameters", {{"full_attention", 3}}},
                                                 {"rope_parameters", {{"sliding_attention", {{"rope_theta", "big"}}}}},
                                                 {"rope_local_base_freq", 0},
                                                 {"rope_theta", -1},
                                                 {"rope_scaling", "linear"},
                                                 {"sliding_window_pattern", 0}}) {
    Json wrong = config;
    wrong[key] = value;
    const std::string message = message_of([&] { read_config(wrong, "c.json"); });
    EXPECT_TRUE(message.find("rope_") != std::string::npos || message.find(key) != std::string::npos) << message;
  }
}

}  // namespace
}  // namespace limbeck::models
