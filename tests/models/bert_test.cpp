#include "models/bert.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

TEST(Bert, HiddenStatesHeadsAndGradientsEqualTransformers) {
  expect_golden_encoder("bert");
}

TEST(Bert, MistakesNameTheirKey) {
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{{"hidden_size", 0},
                                                                            {"hidden_size", 1e18},
                                                                            {"hidden_size", INT64_MAX},
                                                                            {"num_attention_heads", 5},
                                                                            {"num_attention_heads", 0},
                                                                            {"num_hidden_layers", 100000},
                                                                            {"intermediate_size", "wide"},
                                                                            {"max_position_embeddings", 0},
                                                                            {"type_vocab_size", -1},
                                                                            {"hidden_act", "mish"},
                                                                            {"hidden_dropout_prob", 1},
                                                                            {"attention_probs_dropout_prob", -0.1},
                                                                            {"layer_norm_eps", -1},
                                                                            {"pad_token_id", 29},
                                                                            {"position_embedding_type", "relative_key"},
                                                                            {"is_decoder", true},
                                                                            {"quantization_config", Json::object()}}) {
    const std::string message = message_of([&, &k = key, &v = value] {
      read_encoder_config(small_encoder_config("bert", {{k, v}}), "c.json");
    });
    EXPECT_NE(message.find("c.json"), std::string::npos) << key << ": " << message;
    EXPECT_NE(message.find(key), std::string::npos) << key << ": " << message;
  }
}

}  // namespace
}  // namespace limbeck::models
