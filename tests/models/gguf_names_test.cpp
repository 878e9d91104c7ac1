#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/fake_gguf.h"
#include "models/gemma2.h"
#include "models/gguf_model.h"
#include "models/golden_parity.h"
#include "models/gpt_neox.h"
#include "models/llama.h"

namespace limbeck::models {
namespace {

TEST(GgufNames, EveryParameterOfALlamaHasOne) {
  EXPECT_EQ(gguf_name_of("model.embed_tokens.weight", llama()), "token_embd.weight");
  EXPECT_EQ(gguf_name_of("lm_head.weight", llama()), "output.weight");
  EXPECT_EQ(gguf_name_of("model.layers.12.self_attn.k_proj.bias", llama()), "blk.12.attn_k.bias");
  const auto model = small_model({{"attention_bias", true}, {"mlp_bias", true}, {"tie_word_embeddings", false}});
  std::set<std::string> names;
  for (const auto& p : parameters_of(*model)) {
    ASSERT_TRUE(gguf_name_of(p.name, llama())) << p.name;
    EXPECT_TRUE(names.insert(*gguf_name_of(p.name, llama())).second) << p.name;
  }
  for (const char* other : {"model.layers.1.unknown.weight", "model.layers.", "weight", "", "model.layers.3"})
    EXPECT_FALSE(gguf_name_of(other, llama())) << other;
}

// llama.cpp's converter writes w.reshape(heads, 2, E/2, in).swapaxes(1, 2) of query and key rows.
at::Tensor as_converter_writes(const at::Tensor& w, int64_t heads) {
  return w.reshape({heads, 2, w.size(0) / heads / 2, -1}).swapaxes(1, 2).reshape(w.sizes()).contiguous();
}

TEST(GgufNames, QueryAndKeyRowsOfALlamaComeBackInHalfSplitOrder) {
  FakeGguf file = small_gguf();
  const DecoderConfig config = config_of_gguf(file);
  const at::Tensor q = at::randn({32, 32}), k = at::randn({16, 32}), bias = at::randn({16});
  file.tensors["blk.1.attn_q.weight"] = as_converter_writes(q, 4);
  file.tensors["blk.1.attn_k.weight"] = as_converter_writes(k, 2);
  file.tensors["blk.1.attn_k.bias"] = as_converter_writes(bias.unsqueeze(1), 2).squeeze(1);
  file.tensors["blk.1.attn_v.weight"] = k;
  EXPECT_TRUE(at::equal(read_from_gguf(file, "model.layers.1.self_attn.q_proj.weight", config), q));
  EXPECT_TRUE(at::equal(read_from_gguf(file, "model.layers.1.self_attn.k_proj.weight", config), k));
  EXPECT_TRUE(at::equal(read_from_gguf(file, "model.layers.1.self_attn.k_proj.bias", config), bias));
  EXPECT_TRUE(at::equal(read_from_gguf(file, "model.layers.1.self_attn.v_proj.weight", config), k));
}

TEST(GgufNames, QueryRowsOfQwen2StayAsTheyAre) {
  FakeGguf file = small_gguf();
  DecoderConfig config = config_of_gguf(file);
  config.model_type = "qwen2";
  const at::Tensor q = at::randn({32, 32});
  file.tensors["blk.0.attn_q.weight"] = q;
  EXPECT_TRUE(at::equal(read_from_gguf(file, "model.layers.0.self_attn.q_proj.weight", config), q));
}

TEST(GgufNames, EveryArchitectureWithAGgufNameReadsBackWhatTheConverterWrites) {
  std::set<std::string> seen;
  for (const char* file : {"models/architectures.json", "models/variants.json"})
    for (const Json& row : read_json(golden(file))) {
      const auto model = golden_model(row);
      const DecoderConfig& config = model->config();
      const Architecture& architecture = architecture_of(config.model_type, "test");
      if (architecture.gguf.empty()) continue;
      SCOPED_TRACE(row.at("name").get<std::string>());
      seen.insert(config.model_type);
      FakeGguf gguf;
      for (const auto& p : parameters_of(*model)) {
        const auto name = gguf_name_of(p.name, architecture);
        ASSERT_TRUE(name) << p.name;
        EXPECT_FALSE(gguf.contains(*name)) << *name;
        const at::Tensor hub = nn::to_file(p.tensor->detach(), p.traits.layout);
        const auto from_hub = architecture.gguf_layout.from_hub;
        gguf.tensors[*name] = from_hub ? from_hub(hub, p.name, config) : hub;
        EXPECT_EQ(gguf.shape(*name), p.tensor->sizes().vec()) << "matrices are [out,in] in GGUF files";
      }
      for (const auto& p : parameters_of(*model)) {
        const at::Tensor back = nn::from_file(read_from_gguf(gguf, p.name, config), p.traits.layout);
        EXPECT_TRUE(at::allclose(back, *p.tensor, 0, 1e-6)) << p.name;
      }
    }
  EXPECT_EQ(seen, (std::set<std::string>{"llama", "qwen2", "qwen3", "gpt2", "gpt_neox", "gemma2", "gemma3_text"}));
}

TEST(GgufNames, JointRowsOfNeoxComeHeadByHead) {
  // Two heads of one row: llama.cpp has q0 q1 k0 k1 v0 v1, Hugging Face q0 k0 v0 q1 k1 v1.
  DecoderConfig config;
  config.num_attention_heads = 2;
  const auto to_hub = gpt_neox().gguf_layout.to_hub;
  EXPECT_TRUE(at::equal(to_hub(at::arange(6), "gpt_neox.layers.0.attention.query_key_value.bias", config),
                        at::tensor({0, 2, 4, 1, 3, 5}, at::kLong)));
}

TEST(GgufNames, NormsOfGemmaLoseThe1ThatTheConverterAdds) {
  const auto to_hub = gemma2().gguf_layout.to_hub;
  EXPECT_TRUE(at::equal(to_hub(at::ones({3}), "model.layers.0.post_feedforward_layernorm.weight", {}), at::zeros({3})));
  EXPECT_TRUE(at::equal(to_hub(at::ones({3}), "model.layers.0.mlp.up_proj.weight", {}), at::ones({3})));
}

TEST(GgufNames, RowsThatAreNoHeadsAreAnError) {
  FakeGguf file = small_gguf();
  file.tensors["blk.0.attn_q.weight"] = at::zeros({31, 32});
  EXPECT_NE(message_of([&] {
              read_from_gguf(file, "model.layers.0.self_attn.q_proj.weight", config_of_gguf(file));
            }).find("expected 32 rows but received 31"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck::models
