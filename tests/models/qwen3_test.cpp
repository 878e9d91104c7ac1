#include "models/qwen3.h"

#include <gtest/gtest.h>

#include "models/config.h"
#include "models/gguf_model.h"
#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

TEST(Qwen3, LogitsAndGradientsEqualTransformers) {
  expect_golden("qwen3");
}

TEST(Qwen3, ItsHeadsHave128NumbersUnlessTheConfigSaysOtherwise) {
  EXPECT_EQ(read_config(small_config({{"model_type", "qwen3"}}), "test").head_dim, 128);
  EXPECT_EQ(read_config(small_config({{"model_type", "qwen3"}, {"head_dim", 8}}), "test").head_dim, 8);
}

TEST(Qwen3, HasNormsOfHeadsInEachBlockUnderLlamaCppsNames) {
  const auto model = small_model({{"model_type", "qwen3"}, {"head_dim", 8}, {"tie_word_embeddings", false}});
  int64_t norms = 0;
  for (const auto& p : parameters_of(*model)) {
    EXPECT_TRUE(gguf_name_of(p.name, qwen3())) << p.name;
    norms += p.name.find("_norm.weight") != std::string::npos;
  }
  EXPECT_EQ(norms, 3 * 2);
  EXPECT_EQ(gguf_name_of("model.layers.2.self_attn.k_norm.weight", qwen3()), "blk.2.attn_k_norm.weight");
}

}  // namespace
}  // namespace limbeck::models
