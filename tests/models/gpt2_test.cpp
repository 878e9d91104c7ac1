#include "models/gpt2.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/gguf_model.h"
#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

TEST(Gpt2, LogitsAndGradientsEqualTransformers) {
  expect_golden("gpt2");
}

Json gpt2_config(const Json& changes = Json::object()) {
  Json config = {{"model_type", "gpt2"}, {"vocab_size", 61}, {"n_embd", 32},
                 {"n_layer", 3},         {"n_head", 4},      {"n_positions", 64}};
  config.update(changes);
  return config;
}

TEST(Gpt2, MistakesNameTheirKey) {
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{{"n_embd", 0},
                                                                            {"n_embd", 1e18},
                                                                            {"n_embd", INT64_MAX},
                                                                            {"n_head", 5},
                                                                            {"n_head", 0},
                                                                            {"n_inner", "wide"},
                                                                            {"activation_function", "mish"},
                                                                            {"activation_function", 3},
                                                                            {"add_cross_attention", true},
                                                                            {"scale_attn_weights", 1}}) {
    const std::string message = message_of([&, &k = key, &v = value] { read_config(gpt2_config({{k, v}}), "c.json"); });
    EXPECT_NE(message.find("c.json"), std::string::npos) << key << ": " << message;
  }
}

TEST(Gpt2, TextsEndWhereThePositionsDo) {
  auto model = make_decoder(read_config(gpt2_config({{"n_positions", 8}}), "test"));
  fill_by_formula(*model);
  EXPECT_NO_THROW(logits_of_document(*model, at::arange(8, at::kLong)));
  EXPECT_THROW(logits_of_document(*model, at::arange(9, at::kLong)), Error);
}

TEST(Gpt2, FreshWeightsThatWriteIntoTheStreamAreSmaller) {
  const auto model = make_decoder(read_config(gpt2_config({{"n_embd", 128}}), "test"), Seed(1));
  for (const auto& p : parameters_of(*model)) {
    if (p.name.ends_with("c_proj.weight")) {
      EXPECT_NEAR(p.tensor->std().item<double>(), 0.02 / std::sqrt(6.0), 0.001) << p.name;
    }
    if (p.name.ends_with("c_attn.weight")) {
      EXPECT_NEAR(p.tensor->std().item<double>(), 0.02, 0.001) << p.name;
    }
    if (p.name.ends_with("ln_1.weight")) {
      EXPECT_EQ(p.tensor->min().item<double>(), 1);
    }
  }
}

}  // namespace
}  // namespace limbeck::models
