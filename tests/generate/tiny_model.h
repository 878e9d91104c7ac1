// A small model with formula weights and a tokenizer of bytes: id of a byte is the byte, 256 <pad>, 257 <bos>, 258
// <eos>.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "generate/generate.h"
#include "models/formula_weights.h"
#include "models/golden_path.h"
#include "text/byte_alphabet.h"

namespace limbeck::generate {

// Merges make tokens of more than one byte: 259 "ab", 260 "cd", 261 "abcd".
inline std::shared_ptr<const text::Tokenizer> byte_tokenizer() {
  text::TokenizerSpec spec;
  for (int byte = 0; byte < 256; ++byte)
    spec.tokens.push_back(text::bytes_to_alphabet(std::string(1, static_cast<char>(byte))));
  for (const char* token : {"<pad>", "<bos>", "<eos>"}) {
    spec.added.push_back({.id = static_cast<int32_t>(spec.tokens.size()), .content = token, .special = true});
    spec.tokens.push_back(token);
  }
  for (const char* token : {"ab", "cd", "abcd"}) spec.tokens.push_back(token);
  spec.merges = {{"a", "b"}, {"c", "d"}, {"ab", "cd"}};
  spec.pad = 256, spec.bos = 257, spec.eos = 258;
  return text::Tokenizer::from_spec(std::move(spec));
}

inline Json tiny_config(const Json& changes = Json::object()) {
  Json config = {{"vocab_size", 262}, {"max_position_embeddings", 400}, {"bos_token_id", 257}, {"eos_token_id", 258}};
  config.update(changes);
  return config;
}

inline models::Pretrained tiny_model(Precision precision = Precision::kFp32, const Json& changes = Json::object()) {
  models::Pretrained source{
      .model = models::small_model(tiny_config(changes)), .tokenizer = byte_tokenizer(), .eos_ids = {258}};
  source.model->freeze(precision);
  return source;
}

// Samples by (prompt, sample).
using Samples = std::map<std::pair<int64_t, int64_t>, Sample>;
inline Samples samples_of(const models::Pretrained& source, const std::vector<Prompt>& prompts,
                          const SamplingOptions& sampling, const BatchOptions& batch) {
  Samples samples;
  generate(source, prompts, sampling, batch, [&](Sample sample) {
    const std::pair<int64_t, int64_t> key = {sample.prompt_index, sample.sample_index};
    if (!samples.emplace(key, std::move(sample)).second) throw Error("a sample was given out twice");
  });
  return samples;
}

// The tokens of all samples in order.
inline std::vector<std::vector<int32_t>> ids_of(const Samples& samples) {
  std::vector<std::vector<int32_t>> ids;
  for (const auto& [key, sample] : samples) ids.push_back(sample.ids);
  return ids;
}

}  // namespace limbeck::generate
