// A decoder language model behind one interface, and the folder or GGUF file it comes from.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/seeds.h"
#include "nn/attention_plan.h"
#include "nn/parameters.h"
#include "nn/recompute.h"
#include "tensor/device.h"
#include "tensor/weight_format.h"
#include "text/tokenizer.h"

namespace limbeck::models {

// What all decoders have and what the Llama family has, under the names of Llama's config.json. What another
// architecture has beyond that its own file reads out of `original`.
struct DecoderConfig {
  std::string model_type = "llama";  // a row of models/catalog.h
  int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0, num_hidden_layers = 0;
  int64_t num_attention_heads = 0, num_key_value_heads = 0, head_dim = 0;
  int64_t max_position_embeddings = 2048;
  double rms_norm_eps = 1e-5, rope_theta = 10000;
  Json rope_scaling;  // null, or the object as it stands in config.json (linear, dynamic, llama3, yarn)
  bool tie_word_embeddings = false, attention_bias = false, mlp_bias = false, qkv_bias = false;
  bool qk_norm = false;  // queries and keys are normalised head by head (Qwen3)
  std::optional<int64_t> sliding_window;
  std::vector<bool> windowed_layers;  // which blocks the window holds for; empty: all of them
  double initializer_range = 0.02;    // standard deviation of fresh weights
  std::optional<int64_t> bos_token_id;
  std::vector<int64_t> eos_token_ids;
  Json original;    // the whole config.json, so that saving loses nothing
  Json generation;  // the whole generation_config.json; null when there is none
};

// What a caller wants beside the last hidden state.
struct Want {
  bool logits = false;         // [N,V] fp32
  bool hidden_states = false;  // L+1 of [N,D]: after the embedding and each block
};

struct ModelOutput {
  at::Tensor hidden;  // [N,D] after the final norm
  at::Tensor logits;  // [N,V] when asked for
  std::vector<at::Tensor> hidden_states;
};

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;
  virtual const DecoderConfig& config() const = 0;
  // ids [N] int64 -> ModelOutput; who sees whom is the plan's matter.
  virtual ModelOutput forward(const at::Tensor& ids, nn::AttentionPlan& plan, const Want& want = {}) = 0;
  virtual at::Tensor output_weight() = 0;  // [V,D], the embedding itself when tied
  // The same in bf16 for the products of a chunked loss, kept until weights_changed(); undefined unless training in
  // bf16 where products need such a copy.
  virtual at::Tensor low_output_weight() { return {}; }
  virtual at::Tensor output_bias() { return {}; }     // [V], added to the vocabulary product; mostly undefined
  virtual double logit_softcap() const { return 0; }  // logits x become softcap·tanh(x / softcap); 0: as they are
  virtual at::Tensor logits_of(const at::Tensor& hidden) = 0;  // [M,D] -> [M,V] fp32
  virtual void parameters(nn::Parameters& p) = 0;              // tied tensors once
  virtual void set_precision(Precision precision) = 0;         // of the products while training; masters stay fp32
  // What backward passes compute again; a model that keeps everything in any case ignores it.
  virtual void set_recompute(nn::Recompute) {}
  // After the optimiser changed master weights: forget low-precision copies.
  virtual void weights_changed() = 0;
  // For generation: gradients off, weights kept (and packed) in this format only. One way.
  virtual void freeze(Precision precision, WeightFormat weights = WeightFormat::kAsPrecision) = 0;
};

std::shared_ptr<LanguageModel> make_decoder(const DecoderConfig& config);             // uninitialised weights
std::shared_ptr<LanguageModel> make_decoder(const DecoderConfig& config, Seed seed);  // fresh, as HF initialises
// A model of `layers` of another (indices into its blocks), embeddings and norms copied.
std::shared_ptr<LanguageModel> slice_layers(LanguageModel& model, const std::vector<int64_t>& layers);
std::vector<int64_t> evenly_spaced_layers(int64_t num_layers, int64_t keep);  // keeps the first and the last

DecoderConfig read_config(const Json& config_json, const std::string& where);

struct Pretrained {
  std::shared_ptr<LanguageModel> model;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::vector<int64_t> eos_ids;  // what ends a generated text
};

// A Hugging Face folder or a .gguf file; fp32 weights. Throws when tokenizer and embedding sizes disagree. The folder
// of a peft adapter is its base model with the adapter merged.
Pretrained load_pretrained(const std::filesystem::path& folder_or_gguf);
std::shared_ptr<const text::Tokenizer> load_tokenizer(const std::filesystem::path& folder_or_gguf);  // no weights read
// config.json, generation_config.json, model.safetensors (sharded over max_shard_bytes), tokenizer files; atomically.
void save_pretrained(const std::filesystem::path& folder, LanguageModel& model, const text::Tokenizer& tokenizer,
                     Precision stored = Precision::kFp32, int64_t max_shard_bytes = 5'000'000'000);

}  // namespace limbeck::models
