#include "models/gguf_export.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "data/byte_tokenizer.h"
#include "models/formula_weights.h"
#include "models/gguf_model.h"

namespace limbeck::models {
namespace {

using formats::GgufType;

constexpr int64_t kVocabulary = 320;  // more than the tokenizer has

Json with_vocabulary(Json changes) {
  changes["vocab_size"] = kVocabulary;
  changes["bos_token_id"] = 256;
  changes["eos_token_id"] = 256;
  return changes;
}

struct Case {
  const char* name;
  Json changes;
};

class SaveGguf : public testing::TestWithParam<Case> {
 protected:
  TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(
    Configs, SaveGguf,
    testing::Values(
        Case{"Llama", {{"rope_theta", 50000.0}}},
        Case{"UntiedWithBiases", {{"tie_word_embeddings", false}, {"attention_bias", true}, {"mlp_bias", true}}},
        Case{"WideHeads", {{"head_dim", 16}}},
        Case{"Linear", {{"rope_scaling", {{"rope_type", "linear"}, {"factor", 2.5}}}}},
        Case{"Yarn",
             {{"rope_scaling", {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 32}}}}},
        Case{"Llama3",
             {{"rope_theta", 500000.0},  // slow enough that the slowest pair is divided by the whole factor
              {"rope_scaling",
               {{"rope_type", "llama3"},
                {"factor", 8.0},
                {"low_freq_factor", 1.0},
                {"high_freq_factor", 4.0},
                {"original_max_position_embeddings", 8192}}}}},
        Case{"Qwen2", {{"model_type", "qwen2"}}}, Case{"Qwen3", {{"model_type", "qwen3"}, {"head_dim", 16}}}),
    [](const auto& info) { return info.param.name; });

TEST_P(SaveGguf, IsTheSameModelWhenItIsReadBack) {
  const auto model = small_model(with_vocabulary(GetParam().changes));
  save_gguf(folder_ / "m.gguf", *model, *byte_tokenizer(), GgufType::kF32);
  const Pretrained back = load_pretrained(folder_ / "m.gguf");
  const auto before = parameters_of(*model), after = parameters_of(*back.model);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].name, before[i].name);
    EXPECT_TRUE(at::equal(*after[i].tensor, *before[i].tensor)) << before[i].name;
  }
  const at::Tensor ids = ids_tensor({5, 17, 200, 3, 3, 99});
  const auto logits = [&](LanguageModel& m) {
    at::NoGradGuard no_grad;
    const auto plan = nn::packed_causal({0, 6});
    return m.forward(ids, *plan, {.logits = true}).logits;
  };
  EXPECT_LT((logits(*model) - logits(*back.model)).abs().max().item<double>(), 1e-5);
  EXPECT_EQ(back.eos_ids, std::vector<int64_t>{256});
  EXPECT_EQ(back.tokenizer->encode("abc"), byte_tokenizer()->encode("abc"));
}

TEST_F(SaveGguf, KeepsMatricesInTheTypeAndTheRestWhereItIsSafe) {
  const auto model = small_model(with_vocabulary({{"intermediate_size", 80}, {"hidden_size", 64}}));
  save_gguf(folder_ / "m.gguf", *model, *byte_tokenizer(), GgufType::kQ4_0);
  const auto file = formats::open_gguf(folder_ / "m.gguf");
  EXPECT_EQ(file->blocks("blk.0.attn_q.weight").type, GgufType::kQ4_0);
  EXPECT_EQ(file->blocks("blk.0.ffn_up.weight").type, GgufType::kQ4_0);
  EXPECT_EQ(file->blocks("blk.0.ffn_down.weight").type, GgufType::kF16);  // rows of 80
  EXPECT_EQ(file->blocks("token_embd.weight").type, GgufType::kQ8_0);
  EXPECT_EQ(file->blocks("output_norm.weight").type, GgufType::kF32);
  EXPECT_EQ(file->metadata().at("general.file_type"), 2);
  EXPECT_EQ(file->metadata().at("general.name"), "m");
  EXPECT_FALSE(file->contains("output.weight"));
}

TEST_F(SaveGguf, SaysWhatAFileCannotHold) {
  const auto error = [&](const Json& changes) {
    const auto model = small_model(with_vocabulary(changes));
    return message_of<Error>([&] { save_gguf(folder_ / "m.gguf", *model, *byte_tokenizer(), GgufType::kF32); });
  };
  const std::string gptj = error({{"model_type", "gptj"},
                                  {"n_embd", 32},
                                  {"n_head", 4},
                                  {"n_layer", 2},
                                  {"n_positions", 64},
                                  {"rotary_dim", 4},
                                  {"tie_word_embeddings", false}});
  EXPECT_NE(gptj.find("expected one of llama, "), std::string::npos) << gptj;
  EXPECT_NE(gptj.find("received gptj"), std::string::npos) << gptj;
  const std::string window =
      error({{"model_type", "qwen2"}, {"use_sliding_window", true}, {"sliding_window", 8}, {"max_window_layers", 0}});
  EXPECT_NE(window.find("sliding_window: expected none but received 8"), std::string::npos) << window;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m.gguf"));
}

}  // namespace
}  // namespace limbeck::models
