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
