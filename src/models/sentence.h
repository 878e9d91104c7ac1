// Sentence embeddings: an encoder, how the states of a text become one vector, and the folder of the
// sentence-transformers library (modules.json, 1_Pooling/config.json, sentence_bert_config.json) that says so.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/encoder.h"
#include "nn/pooling.h"

namespace limbeck::models {

struct SentenceConfig {
  std::vector<nn::Pooling> pooling = {nn::Pooling::kMean};  // several stand one behind the other
  bool normalize = false;                                   // vectors of length 1
  int64_t max_length = 0;                                   // tokens of a text, special ones included; 0: the context
};

struct SentenceEncoder : PretrainedEncoder {
  SentenceConfig config;
};

// A folder of sentence-transformers, or of a model alone: then the mean of all tokens, not normalised, as that library
// does. Throws Error naming the module or the pooling that is not known.
SentenceEncoder load_sentence_encoder(const std::filesystem::path& folder);
// The same folder, atomically; opens in sentence-transformers and in Transformers.
void save_sentence_encoder(const std::filesystem::path& folder, SentenceEncoder& encoder,
                           Precision stored = Precision::kFp32);

// Of one text, as the model is given it: cut to the longest that it takes, the end token kept.
struct SentenceIds {
  std::vector<int32_t> ids, types;
  bool truncated = false;
};
SentenceIds sentence_ids(const SentenceEncoder& encoder, std::string_view text);

// One vector a text [texts, D·poolings] fp32, in the order of the texts. A text's vector does not depend on the others.
// Texts go through the model together, about equal lengths side by side, in runs of up to max_batch_tokens.
at::Tensor embed(const SentenceEncoder& encoder, std::span<const SentenceIds> texts, int64_t max_batch_tokens = 4096);

// The vectors of a forward pass, differentiable: [documents, D·poolings].
at::Tensor sentence_vectors(const SentenceConfig& config, const at::Tensor& hidden,
                            const std::vector<int64_t>& offsets);

}  // namespace limbeck::models
