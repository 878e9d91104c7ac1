#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/fake_gguf.h"
#include "models/formula_weights.h"
#include "models/gguf_model.h"
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
