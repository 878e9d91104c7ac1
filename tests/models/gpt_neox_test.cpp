#include "models/gpt_neox.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/gguf_model.h"
#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

TEST(GptNeox, LogitsAndGradientsEqualTransformers) {
  expect_golden("gpt_neox");
}

TEST(GptNeox, RotaryShareIsReadFromEitherName) {
  Json config = {{"model_type", "gpt_neox"}, {"vocab_size", 61},         {"hidden_size", 64},
                 {"num_hidden_layers", 1},   {"num_attention_heads", 4}, {"intermediate_size", 96},
                 {"rotary_pct", 0.5},        {"rotary_emb_base", 500.0}};
  EXPECT_EQ(read_config(config, "test").rope_theta, 500);
  config["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 700.0}, {"partial_rotary_factor", 0.25}};
  EXPECT_EQ(read_config(config, "test").rope_theta, 700);
  Json huge = config;
  huge["hidden_size"] = int64_t{1} << 62;
  EXPECT_NE(message_of([&] { read_config(huge, "c.json"); }).find("hidden_size"), std::string::npos);
  for (const Json& wrong : {Json(0), Json(1.5), Json("half"), Json(0.1)}) {
    config["rope_parameters"] = Json();
    config["rotary_pct"] = wrong;
    EXPECT_NE(message_of([&] { read_config(config, "c.json"); }).find("rotary_pct"), std::string::npos) << wrong.dump();
  }
}

}  // namespace
}  // namespace limbeck::models
