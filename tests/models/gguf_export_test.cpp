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
  double tolerance = 0;  // of a weight: Gemma's norms are written with a 1 added to them
};

Json with_gemma(const char* type, const Json& changes = Json::object()) {
  Json config = {{"model_type", type}, {"head_dim", 16}, {"query_pre_attn_scalar", 16}, {"sliding_window", 3}};
  config.update(changes);
  return config;
}

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
        Case{"Qwen2", {{"model_type", "qwen2"}}}, Case{"Qwen3", {{"model_type", "qwen3"}, {"head_dim", 16}}},
        Case{"Mistral", {{"model_type", "mistral"}, {"sliding_window", nullptr}}},
        Case{"Gpt2", {{"model_type", "gpt2"}}},
        Case{"Gpt2Untied", {{"model_type", "gpt2"}, {"tie_word_embeddings", false}}},
        Case{"GptNeox", {{"model_type", "gpt_neox"}, {"tie_word_embeddings", false}}},
        Case{"GptNeoxOneAfterTheOther",
             {{"model_type", "gpt_neox"},
              {"tie_word_embeddings", false},
              {"use_parallel_residual", false},
              {"rotary_emb_base", 5000.0},
              {"rotary_pct", 0.75}}},
        Case{"Gemma2", with_gemma("gemma2"), 2e-7},
        Case{"Gemma2WithoutWindow",
             with_gemma("gemma2", {{"sliding_window", nullptr}, {"attn_logit_softcapping", 3.0}}), 2e-7},
        Case{"Gemma3", with_gemma("gemma3_text", {{"num_hidden_layers", 7}, {"rope_theta", 20000.0}}), 2e-7},
        Case{"Gemma3EverySecondBlock",
             with_gemma("gemma3_text", {{"sliding_window_pattern", 2},
                                        {"rope_local_base_freq", 500.0},
                                        {"final_logit_softcapping", 2.0},
                                        {"rope_scaling", {{"rope_type", "linear"}, {"factor", 8.0}}}}),
             2e-7}),
    [](const auto& info) { return info.param.name; });

TEST_P(SaveGguf, IsTheSameModelWhenItIsReadBack) {
  const auto model = small_model(with_vocabulary(GetParam().changes));
  save_gguf(folder_ / "m.gguf", *model, *byte_tokenizer(), GgufType::kF32);
  const Pretrained back = load_pretrained(folder_ / "m.gguf");
  const auto before = parameters_of(*model), after = parameters_of(*back.model);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].name, before[i].name);
    EXPECT_LE((*after[i].tensor - *before[i].tensor).abs().max().item<double>(), GetParam().tolerance)
        << before[i].name;
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
  const auto says = [&](const Json& changes, const char* text) {
    const std::string message = error(changes);
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  says({{"model_type", "mistral"}, {"sliding_window", 8}}, "sliding_window: expected none but received 8");
  says({{"model_type", "gpt2"}, {"activation_function", "relu"}},
       "activation_function: expected gelu_new but received relu");
  says({{"model_type", "gpt2"}, {"scale_attn_by_inverse_layer_idx", true}}, "which a file of gpt2 cannot say");
  says({{"model_type", "gpt_neox"}}, "tie_word_embeddings: expected false");  // tied
  says({{"model_type", "gpt_neox"}, {"tie_word_embeddings", false}, {"attention_bias", false}}, "attention_bias");
  says(with_gemma("gemma2", {{"query_pre_attn_scalar", 24}}), "query_pre_attn_scalar: expected 16 but received 24");
  says(with_gemma("gemma2", {{"attn_logit_softcapping", nullptr}}), "attn_logit_softcapping: expected a number");
  says(with_gemma("gemma2", {{"layer_types", {"full_attention", "full_attention", "full_attention"}}}),
       "layer_types: expected every second block full_attention");
  says(with_gemma("gemma3_text", {{"layer_types", {"full_attention", "sliding_attention", "full_attention"}}}),
       "layer_types: expected full_attention once in a number of blocks");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m.gguf"));
}

}  // namespace
}  // namespace limbeck::models
