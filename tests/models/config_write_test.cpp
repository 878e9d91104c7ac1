#include <gtest/gtest.h>

#include "models/config.h"
#include "models/formula_weights.h"

namespace limbeck::models {
namespace {

Json written(const Json& config) {
  return write_config(read_config(config, "test"), Precision::kFp32);
}

TEST(WriteConfig, KeepsWhatItDidNotReadAndWhatItReadUnchanged) {
  const Json config = small_config({{"architectures", {"LlamaForCausalLM"}},
                                    {"pad_token_id", 2},
                                    {"rope_interleaved", false},
                                    {"head_dim", 8},
                                    {"hidden_act", "silu"},
                                    {"initializer_range", 0.02},
                                    {"attention_bias", false},
                                    {"mlp_bias", false},
                                    {"rope_theta", 100000},
                                    {"torch_dtype", "float32"},
                                    {"a_key_of_tomorrow", {1, 2}}});
  EXPECT_EQ(written(config), config);
}

TEST(WriteConfig, WhatIsWrittenReadsAsTheSameModel) {
  for (const Json& changes : std::vector<Json>{
           {{"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}},
           {{"rope_parameters",
             {{"rope_type", "llama3"},
              {"rope_theta", 5e5},
              {"factor", 8.0},
              {"low_freq_factor", 1.0},
              {"high_freq_factor", 4.0},
              {"original_max_position_embeddings", 32}}}},
           {{"rope_parameters", nullptr}},
           {{"model_type", "mistral"}, {"sliding_window", nullptr}},
           {{"model_type", "mistral"}},
           {{"model_type", "qwen2"}, {"use_sliding_window", true}, {"sliding_window", 9}, {"max_window_layers", 1}},
           {{"eos_token_id", {1, 2, 3}}},
           {{"eos_token_id", nullptr}, {"bos_token_id", nullptr}}}) {
    SCOPED_TRACE(changes.dump());
    const DecoderConfig before = read_config(small_config(changes), "before");
    const Json json = write_config(before, Precision::kBf16);
    const DecoderConfig after = read_config(json, "after");
    EXPECT_EQ(write_config(after, Precision::kBf16), json);
    EXPECT_EQ(after.rope_theta, before.rope_theta);
    EXPECT_EQ(rope_options(after).kind, rope_options(before).kind);
    EXPECT_EQ(after.sliding_window, before.sliding_window);
    for (int64_t layer = 0; layer < 3; ++layer) EXPECT_EQ(window_of(after, layer), window_of(before, layer));
    EXPECT_EQ(after.eos_token_ids, before.eos_token_ids);
    EXPECT_EQ(after.bos_token_id, before.bos_token_id);
  }
}

TEST(WriteConfig, NamesTheStoredPrecisionUnderTheKeyThatWasThere) {
  EXPECT_EQ(write_config(read_config(small_config({{"dtype", "float16"}}), "t"), Precision::kBf16).at("dtype"),
            "bfloat16");
  const Json old = write_config(read_config(small_config(), "t"), Precision::kFp32);
  EXPECT_EQ(old.at("torch_dtype"), "float32");
  EXPECT_FALSE(old.contains("dtype"));
}

TEST(WriteConfig, AConfigMadeInCodeIsComplete) {
  DecoderConfig c;
  c.vocab_size = 61;
  c.hidden_size = 32;
  c.intermediate_size = 48;
  c.num_hidden_layers = 2;
  c.num_attention_heads = c.num_key_value_heads = 4;
  c.head_dim = 8;
  const Json json = write_config(c, Precision::kFp32);
  EXPECT_EQ(json.at("architectures"), Json({"LlamaForCausalLM"}));
  EXPECT_EQ(read_config(json, "written").head_dim, 8);
}

TEST(WriteGenerationConfig, IsWhatWasReadOrTheIdsOfTheConfig) {
  DecoderConfig c = read_config(small_config({{"eos_token_id", {2, 7}}}), "test");
  EXPECT_EQ(write_generation_config(c), (Json{{"bos_token_id", 1}, {"eos_token_id", {2, 7}}}));
  c.generation = {{"temperature", 0.6}, {"eos_token_id", 2}};
  EXPECT_EQ(write_generation_config(c), c.generation);
}

}  // namespace
}  // namespace limbeck::models
