#include "models/config.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/formula_weights.h"

namespace limbeck::models {
namespace {

DecoderConfig config_with(const Json& changes) {
  return read_config(small_config(changes), "config.json");
}

Json without(Json config, const char* key) {
  config.erase(key);
  return config;
}

TEST(ReadConfig, TakesTheDefaultsOfTheArchitecture) {
  const DecoderConfig llama = read_config(without(small_config(), "num_key_value_heads"), "test");
  EXPECT_EQ(llama.num_key_value_heads, 4);
  EXPECT_EQ(llama.head_dim, 8);
  EXPECT_EQ(llama.rope_theta, 10000);
  EXPECT_FALSE(llama.qkv_bias);
  EXPECT_FALSE(llama.sliding_window);
  EXPECT_TRUE(config_with({{"model_type", "qwen2"}}).qkv_bias);
  EXPECT_FALSE(config_with({{"model_type", "qwen2"}}).attention_bias);
  EXPECT_TRUE(config_with({{"attention_bias", true}}).qkv_bias);
}

TEST(ReadConfig, AWindowIsReadAsTheArchitectureMeansIt) {
  EXPECT_FALSE(config_with({{"sliding_window", 7}}).sliding_window) << "Llama has none";
  EXPECT_EQ(config_with({{"model_type", "mistral"}, {"sliding_window", 7}}).sliding_window, 7);
  EXPECT_EQ(config_with({{"model_type", "mistral"}}).sliding_window, 4096);
  EXPECT_FALSE(config_with({{"model_type", "mistral"}, {"sliding_window", nullptr}}).sliding_window);
  EXPECT_FALSE(config_with({{"model_type", "qwen2"}, {"sliding_window", 7}}).sliding_window);
  const DecoderConfig some = config_with(
      {{"model_type", "qwen2"}, {"use_sliding_window", true}, {"sliding_window", 7}, {"max_window_layers", 2}});
  EXPECT_FALSE(window_of(some, 1));
  EXPECT_EQ(window_of(some, 2), 7);
  const DecoderConfig listed =
      config_with({{"model_type", "qwen2"},
                   {"use_sliding_window", true},
                   {"sliding_window", 7},
                   {"layer_types", {"sliding_attention", "full_attention", "full_attention"}}});
  EXPECT_EQ(window_of(listed, 0), 7);
  EXPECT_FALSE(window_of(listed, 2));
}

TEST(ReadConfig, RopeIsReadInItsOldAndItsNewForm) {
  const DecoderConfig old = config_with({{"rope_theta", 500.0}, {"rope_scaling", {{"type", "linear"}, {"factor", 2}}}});
  const DecoderConfig now =
      config_with({{"rope_parameters", {{"rope_type", "linear"}, {"factor", 2}, {"rope_theta", 500.0}}}});
  for (const DecoderConfig& c : {old, now}) {
    EXPECT_EQ(c.rope_theta, 500);
    EXPECT_EQ(rope_options(c).kind, nn::RopeKind::kLinear);
    EXPECT_EQ(rope_options(c).factor, 2);
  }
  EXPECT_EQ(rope_options(config_with({{"rope_scaling", nullptr}})).kind, nn::RopeKind::kDefault);
}

TEST(ReadConfig, SeveralEndTokensAreKept) {
  EXPECT_EQ(config_with({{"eos_token_id", {2, 5}}}).eos_token_ids, (std::vector<int64_t>{2, 5}));
  EXPECT_TRUE(config_with({{"eos_token_id", nullptr}}).eos_token_ids.empty());
}

struct Bad {
  const char* key;
  Json value;
};

TEST(ReadConfig, AHostileOrUnknownValueIsAnErrorThatNamesItsKey) {
  const std::vector<Bad> bad = {
      {"model_type", "bert"},
      {"model_type", nullptr},
      {"hidden_act", "gelu"},
      {"rope_interleaved", true},
      {"partial_rotary_factor", 0.5},
      {"quantization_config", {{"bits", 4}}},
      {"vocab_size", 0},
      {"vocab_size", -5},
      {"vocab_size", "many"},
      {"vocab_size", 61.5},
      {"vocab_size", 18446744073709551615u},
      {"hidden_size", 0},
      {"hidden_size", 1e18},
      {"hidden_size", 2000000000000000000},
      {"intermediate_size", -1},
      {"num_hidden_layers", 0},
      {"num_hidden_layers", 1000000000000000000},
      {"num_attention_heads", 0},
      {"num_attention_heads", -4},
      {"num_attention_heads", 5},
      {"num_key_value_heads", 0},
      {"num_key_value_heads", 3},
      {"num_key_value_heads", 8},
      {"head_dim", 0},
      {"head_dim", 7},
      {"head_dim", -8},
      {"max_position_embeddings", 0},
      {"rms_norm_eps", -1},
      {"rms_norm_eps", "small"},
      {"rope_theta", 0},
      {"rope_theta", -10},
      {"tie_word_embeddings", "yes"},
      {"attention_bias", 1},
      {"eos_token_id", "</s>"},
      {"bos_token_id", {1, 2}},
      {"rope_scaling", "linear"},
  };
  for (const Bad& b : bad) {
    const std::string message = message_of([&] { config_with({{b.key, b.value}}); });
    EXPECT_NE(message.find(b.key), std::string::npos) << b.key << " = " << b.value.dump() << ": " << message;
    EXPECT_NE(message.find("[config.json"), std::string::npos) << message;
  }
  for (const char* key :
       {"model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"})
    EXPECT_NE(message_of([&] { read_config(without(small_config(), key), "config.json"); }).find(key),
              std::string::npos)
        << key;
  EXPECT_THROW(read_config(Json::array(), "config.json"), Error);
  EXPECT_THROW(config_with({{"model_type", "mistral"}, {"sliding_window", 0}}), Error);
  EXPECT_THROW(config_with({{"model_type", "qwen2"}, {"attention_bias", true}}), Error);
  EXPECT_THROW(
      config_with({{"model_type", "qwen2"}, {"use_sliding_window", true}, {"layer_types", {"full_attention"}}}), Error);
  EXPECT_THROW(config_with({{"model_type", "qwen2"}, {"use_sliding_window", true}, {"layer_types", {"a", "b", "c"}}}),
               Error);
}

TEST(ReadConfig, AnUnusableRopeIsAnErrorThatNamesItsKey) {
  const std::vector<std::pair<const char*, Json>> bad = {
      {"rope_type", {{"rope_type", "longrope"}, {"factor", 2}}},
      {"rope_type", {{"rope_type", 3}, {"factor", 2}}},
      {"factor", {{"rope_type", "linear"}}},
      {"factor", {{"rope_type", "linear"}, {"factor", 0}}},
      {"factor", {{"rope_type", "dynamic"}, {"factor", "two"}}},
      {"low_freq_factor", {{"rope_type", "llama3"}, {"factor", 8}, {"high_freq_factor", 4}}},
      {"high_freq_factor", {{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 4}}},
      {"original_max_position_embeddings",
       {{"rope_type", "yarn"}, {"factor", 8}, {"original_max_position_embeddings", 0}}},
      {"beta_fast", {{"rope_type", "yarn"}, {"factor", 8}, {"beta_fast", -2}}},
      {"partial_rotary_factor", {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}}},
  };
  for (const auto& [key, scaling] : bad) {
    const std::string message = message_of([&] { config_with({{"rope_scaling", scaling}}); });
    EXPECT_NE(message.find(key), std::string::npos) << scaling.dump() << ": " << message;
  }
}

TEST(CountWeights, CountsWhatAModelHas) {
  for (const Json& changes :
       {Json::object(), Json{{"attention_bias", true}, {"mlp_bias", true}}, Json{{"tie_word_embeddings", false}},
        Json{{"model_type", "qwen2"}, {"head_dim", 12}}, Json{{"num_key_value_heads", 1}}}) {
    const auto model = small_model(changes);
    int64_t weights = 0;
    for (const auto& p : parameters_of(*model)) weights += p.tensor->numel();
    EXPECT_EQ(count_weights(model->config()), static_cast<double>(weights)) << changes.dump();
  }
}

}  // namespace
}  // namespace limbeck::models
