#include "models/gguf_keys.h"

#include <gtest/gtest.h>

#include "base/message_of.h"

namespace limbeck::models {
namespace {

TEST(WindowPattern, IsTheSmallestPeriodThatGivesTheBlocks) {
  EXPECT_EQ(window_pattern({true, false, true, false}), 2);
  EXPECT_EQ(window_pattern({true, true, false, true, true}), 3);
  EXPECT_EQ(window_pattern({false, false}), 1);
  EXPECT_EQ(window_pattern({true, true}), 3);  // past the last block: all see the window
  EXPECT_EQ(window_pattern({}), 1);
  EXPECT_EQ(window_pattern({false, true}), 0);
  EXPECT_EQ(window_pattern({true, false, false}), 0);
}

TEST(GgufKeys, StandUnderTheNameOfTheArchitecture) {
  DecoderConfig config;
  config.vocab_size = 7;
  config.hidden_size = 32;
  formats::GgufMetadata metadata;
  GgufKeys keys("gemma3", config, metadata);
  keys.sizes();
  keys.number("rope.freq_base_swa", 1e4);
  const auto value = [&](const std::string& name) -> formats::GgufValue {
    for (const auto& [key, value] : metadata)
      if (key == name) return value;
    return std::string("missing");
  };
  EXPECT_EQ(value("gemma3.vocab_size"), formats::GgufValue(uint32_t{7}));
  EXPECT_EQ(value("gemma3.embedding_length"), formats::GgufValue(uint32_t{32}));
  EXPECT_EQ(value("gemma3.rope.freq_base_swa"), formats::GgufValue(10000.0f));
}

TEST(GgufKeys, ScalingIsWrittenByItsKindAndWhatNoKeySaysIsRefused) {
  DecoderConfig config;
  config.rope_scaling = {{"rope_type", "yarn"}};
  formats::GgufMetadata metadata;
  GgufKeys keys("qwen2", config, metadata);
  nn::RopeOptions options;
  options.kind = nn::RopeKind::kYarn;
  options.factor = 4;
  keys.rope(options);
  EXPECT_EQ(metadata[2].first, "qwen2.rope.scaling.type");
  EXPECT_EQ(metadata[2].second, formats::GgufValue(std::string("yarn")));
  EXPECT_EQ(metadata[3].second, formats::GgufValue(4.0f));
  options.beta_slow = 2;
  const std::string message = message_of<UserError>([&] { keys.rope(options); });
  EXPECT_NE(message.find("rope_scaling: expected YaRN's own settings but received {\"rope_type\":\"yarn\"}, which a "
                         "file of qwen2 cannot say"),
            std::string::npos)
      << message;
}

}  // namespace
}  // namespace limbeck::models
