#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"
#include "models/config.h"
#include "models/fake_gguf.h"
#include "models/gguf_model.h"
#include "nn/rope.h"

namespace limbeck::models {
namespace {

TEST(GgufConfig, ReadsWhatHuggingFaceWouldHaveWritten) {
  const DecoderConfig c = config_of_gguf(small_gguf());
  EXPECT_EQ(c.model_type, "llama");
  EXPECT_EQ(c.vocab_size, 61);
  EXPECT_EQ(c.head_dim, 8);
  EXPECT_EQ(c.num_key_value_heads, 2);
  EXPECT_EQ(c.rope_theta, 100000);
  EXPECT_EQ(c.rms_norm_eps, 1e-5);  // the decimal that the fp32 number was rounded from
  EXPECT_TRUE(c.tie_word_embeddings);
  EXPECT_EQ(c.bos_token_id, 1);
  EXPECT_EQ(c.eos_token_ids, std::vector<int64_t>{2});
  EXPECT_FALSE(c.attention_bias);
}

TEST(GgufConfig, SeesUntiedEmbeddingsAndBiasesInTheTensors) {
  FakeGguf file = small_gguf();
  for (const char* name : {"output.weight", "blk.0.attn_q.bias", "blk.0.attn_output.bias", "blk.0.ffn_up.bias"})
    file.tensors[name] = at::zeros({1});
  const DecoderConfig c = config_of_gguf(file);
  EXPECT_FALSE(c.tie_word_embeddings);
  EXPECT_TRUE(c.attention_bias);
  EXPECT_TRUE(c.mlp_bias);
}

// What llama.cpp's converter writes for a model whose sizes have the same keys everywhere.
FakeGguf gguf_of(const std::string& architecture, const Json& more) {
  FakeGguf file;
  file.json = {{"general.architecture", architecture},      {architecture + ".block_count", 3},
               {architecture + ".context_length", 128},     {architecture + ".embedding_length", 64},
               {architecture + ".feed_forward_length", 96}, {architecture + ".attention.head_count", 4}};
  for (const auto& [key, value] : more.items()) file.json[architecture + "." + key] = value;
  file.tensors["token_embd.weight"] = at::zeros({61, 64});
  return file;
}

TEST(GgufConfig, ReadsGpt2) {
  const DecoderConfig c = config_of_gguf(gguf_of("gpt2", {{"attention.layer_norm_epsilon", 9.999999747378752e-06}}));
  EXPECT_EQ(c.model_type, "gpt2");
  EXPECT_EQ(c.head_dim, 16);
  EXPECT_EQ(c.intermediate_size, 96);
  EXPECT_EQ(c.max_position_embeddings, 128);
  EXPECT_EQ(c.original.at("layer_norm_epsilon"), 1e-5);
  EXPECT_TRUE(c.tie_word_embeddings);
  EXPECT_NE(message_of([] { config_of_gguf(gguf_of("gpt2", Json::object())); }).find("layer_norm_epsilon"),
            std::string::npos);
}

TEST(GgufConfig, ReadsTheRotaryShareOfNeox) {
  FakeGguf file =
      gguf_of("gptneox",
              {{"attention.layer_norm_epsilon", 1e-5}, {"rope.dimension_count", 6}, {"use_parallel_residual", false}});
  const DecoderConfig c = config_of_gguf(file);
  EXPECT_EQ(static_cast<int64_t>(c.original.at("rotary_pct").get<double>() * 16), 6);
  EXPECT_EQ(c.original.at("use_parallel_residual"), false);
  EXPECT_EQ(c.original.at("attention_bias"), false);
  for (int64_t rotary = 2; rotary <= 80; rotary += 2) {
    file.json["gptneox.embedding_length"] = 320;
    file.json["gptneox.rope.dimension_count"] = rotary;
    const double share = config_of_gguf(file).original.at("rotary_pct").get<double>();
    EXPECT_EQ(static_cast<int64_t>(80 * share), rotary);
  }
  file.json["gptneox.rope.dimension_count"] = 0;
  EXPECT_NE(message_of([&] { config_of_gguf(file); }).find("rope.dimension_count"), std::string::npos);
}

TEST(GgufConfig, ReadsTheGemmas) {
  const Json common{{"attention.layer_norm_rms_epsilon", 1e-6},
                    {"attention.head_count_kv", 2},
                    {"attention.key_length", 32},
                    {"attention.sliding_window", 9}};
  Json json = common;
  json["attn_logit_softcapping"] = 40.0;
  const DecoderConfig two = config_of_gguf(gguf_of("gemma2", json));
  EXPECT_EQ(two.head_dim, 32);
  EXPECT_EQ(two.windowed_layers, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(two.original.at("attn_logit_softcapping"), 40);
  EXPECT_EQ(two.original.at("query_pre_attn_scalar"), 32);
  json["block_count"] = 46;  // the 27B model scales by the width of a head that would divide the width
  EXPECT_EQ(config_of_gguf(gguf_of("gemma2", json)).original.at("query_pre_attn_scalar"), 16);

  json = common;
  json["block_count"] = 6;
  json["rope.scaling.type"] = "linear";
  json["rope.scaling.factor"] = 8.0;
  const DecoderConfig three = config_of_gguf(gguf_of("gemma3", json));
  EXPECT_EQ(three.model_type, "gemma3_text");
  EXPECT_EQ(three.rope_theta, 1e6);
  EXPECT_EQ(rope_options(three).kind, nn::RopeKind::kLinear);
  EXPECT_EQ(three.windowed_layers, (std::vector<bool>{true, true, true, true, true, false}));
}

TEST(GgufConfig, ReadsQwen3) {
  const DecoderConfig c = config_of_gguf(gguf_of(
      "qwen3", {{"attention.layer_norm_rms_epsilon", 1e-6}, {"attention.key_length", 32}, {"rope.freq_base", 1e6}}));
  EXPECT_TRUE(c.qk_norm);
  EXPECT_EQ(c.head_dim, 32);
}

TEST(GgufConfig, RecoversLlama3ScalingFromItsDivisors) {
  FakeGguf file = small_gguf();
  file.json["llama.attention.key_length"] = file.json["llama.rope.dimension_count"] = 64;
  file.json["llama.rope.freq_base"] = 500000.0;
  nn::RopeOptions plain;
  plain.head_dim = 64;
  plain.theta = 500000;
  nn::RopeOptions scaled = plain;
  scaled.kind = nn::RopeKind::kLlama3;
  scaled.factor = 32;
  scaled.original_max_positions = 8192;
  const auto before = nn::Rope(plain).inverse_frequencies(), after = nn::Rope(scaled).inverse_frequencies();
  at::Tensor divisors = at::empty({32});
  for (int64_t i = 0; i < 32; ++i) divisors[i] = before[i] / after[i];
  file.tensors["rope_freqs.weight"] = divisors;
  const DecoderConfig c = config_of_gguf(file);
  EXPECT_EQ(c.rope_scaling.at("rope_type"), "llama3");
  EXPECT_NEAR(c.rope_scaling.at("factor").get<double>(), 32, 1e-3);
  divisors[20] = 3.3;
  EXPECT_NE(message_of([&] { config_of_gguf(file); }).find("rope_freqs.weight"), std::string::npos);
}

TEST(GgufConfig, ReadsLinearAndYarnScaling) {
  FakeGguf file = small_gguf();
  file.json["llama.rope.scaling.type"] = "linear";
  file.json["llama.rope.scaling.factor"] = 4.0;
  EXPECT_EQ(rope_options(config_of_gguf(file)).kind, nn::RopeKind::kLinear);
  file.json["llama.rope.scaling.type"] = "yarn";
  file.json["llama.rope.scaling.original_context_length"] = 64;
  EXPECT_EQ(rope_options(config_of_gguf(file)).kind, nn::RopeKind::kYarn);
  EXPECT_EQ(rope_options(config_of_gguf(file)).original_max_positions, 64);
  file.json["llama.rope.scaling.type"] = "longrope";
  EXPECT_NE(message_of([&] { config_of_gguf(file); }).find("longrope"), std::string::npos);
}

TEST(GgufConfig, NamesTheKeyThatCannotBeUsed) {
  const auto complaint_after = [](const char* key, const Json& value) {
    FakeGguf file = small_gguf();
    file.json[key] = value;
    return message_of([&] { config_of_gguf(file); });
  };
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{{"general.architecture", "mamba"},
                                                                            {"general.architecture", 3},
                                                                            {"llama.expert_count", 8},
                                                                            {"llama.attention.sliding_window", 4096},
                                                                            {"llama.rope.dimension_count", 4},
                                                                            {"llama.block_count", "many"},
                                                                            {"llama.attention.scale", 2.0}}) {
    // The head size is the rotary dimension unless key_length says otherwise.
    if (std::string(key) == "llama.rope.dimension_count") {
      FakeGguf file = small_gguf();
      file.json["llama.attention.key_length"] = 8;
      file.json[key] = value;
      EXPECT_NE(message_of([&] { config_of_gguf(file); }).find(key), std::string::npos);
      continue;
    }
    EXPECT_NE(complaint_after(key, value).find(key), std::string::npos) << key;
  }
  FakeGguf file = small_gguf();
  file.json["llama.block_count"] = std::string(100000, '\xff') + "\x1b[2J";
  const std::string said = message_of([&] { config_of_gguf(file); });
  EXPECT_TRUE(said.starts_with("[fake.gguf] llama.block_count: expected a number but received \"\\xff")) << said;
  EXPECT_LT(said.size(), 1000u);
  file = small_gguf();
  file.json["general.architecture"] = "\x1b[2J\xff" + std::string(100000, 'x');
  const std::string unknown = message_of([&] { config_of_gguf(file); });
  EXPECT_NE(unknown.find("\\x1b[2J\\xffxxx"), std::string::npos) << unknown.substr(0, 1000);
  EXPECT_LT(unknown.size(), 1000u);
  file = small_gguf();
  file.tensors.clear();
  EXPECT_NE(message_of([&] { config_of_gguf(file); }).find("token_embd.weight"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::models
