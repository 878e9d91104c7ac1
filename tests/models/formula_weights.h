// Weights that tests/golden/scripts/make_model_golden.py computes by the same formula, so that no weights are stored.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstdint>
#include <string>

#include "models/language_model.h"

namespace limbeck::models {

inline uint64_t hash_of_name(const std::string& name) {  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : name) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

// splitmix64 of (hash of the name + index), its top 24 bits as a uniform number of [-1, 1).
inline void fill_by_formula(const std::string& name, at::Tensor& tensor) {
  at::NoGradGuard no_grad;
  const uint64_t hash = hash_of_name(name);
  const bool norm = name.ends_with(".weight") && (name.ends_with("norm.weight") || name.ends_with("LayerNorm.weight") ||
                                                  name.find(".ln_") != name.npos);
  float* data = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    uint64_t z = hash + static_cast<uint64_t>(i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z = z ^ (z >> 31);
    const float u = static_cast<float>(z >> 40) / static_cast<float>(1 << 23) - 1.0f;
    data[i] = norm ? 1 + u / 4 : u / 4;
  }
}

inline std::vector<nn::NamedParameter> parameters_of(LanguageModel& model) {
  nn::Parameters p;
  model.parameters(p);
  return p.list();
}

// In the layout of files, as Transformers has them.
inline void fill_by_formula(LanguageModel& model) {
  at::NoGradGuard no_grad;
  for (const nn::NamedParameter& p : parameters_of(model)) {
    at::Tensor stored = at::empty(nn::shape_in_file(*p.tensor, p.traits.layout), at::kFloat);
    fill_by_formula(p.name, stored);
    p.tensor->copy_(nn::from_file(stored, p.traits.layout));
  }
}

// A small config with any changes ("num_hidden_layers": 5) put over it.
inline Json small_config(const Json& changes = Json::object()) {
  Json config = {{"model_type", "llama"},       {"vocab_size", 61},       {"hidden_size", 32},
                 {"intermediate_size", 48},     {"num_hidden_layers", 3}, {"num_attention_heads", 4},
                 {"num_key_value_heads", 2},    {"rms_norm_eps", 1e-5},   {"max_position_embeddings", 64},
                 {"tie_word_embeddings", true}, {"bos_token_id", 1},      {"eos_token_id", 2}};
  config.update(changes);
  return config;
}

inline std::shared_ptr<LanguageModel> small_model(const Json& changes = Json::object()) {
  auto model = make_decoder(read_config(small_config(changes), "small_config"));
  fill_by_formula(*model);
  return model;
}

inline at::Tensor ids_tensor(const std::vector<int64_t>& ids) {
  return at::tensor(ids, at::kLong);
}

// Logits [N,V] of one document.
inline at::Tensor logits_of_document(LanguageModel& model, const at::Tensor& ids) {
  const auto plan = nn::packed_causal({0, ids.size(0)});
  return model.forward(ids, *plan, {.logits = true}).logits;
}

}  // namespace limbeck::models
