// What Gemma 2 and Gemma 3 (arXiv:2408.00118, 2503.19786) have in common: norms before and after attention and
// feed-forward with weights that are offsets from 1, GeGLU, embeddings scaled by √D, blocks that see a window only
// between blocks that see everything, scores scaled by a number of the config, caps on scores and logits.
#pragma once

#include <memory>
#include <optional>

#include "models/catalog.h"
#include "nn/activation.h"
#include "nn/rope.h"

namespace limbeck::models {

struct GemmaSettings {
  nn::Activation activation = nn::Activation::kGeluTanh;
  double query_scalar = 256;                  // scores are divided by its root
  double score_cap = 0, logit_cap = 0;        // 0: none
  bool head_norms = false;                    // of queries and keys (Gemma 3)
  std::optional<nn::RopeOptions> local_rope;  // of the windowed blocks, where it is another one (Gemma 3)
};

std::shared_ptr<LanguageModel> make_gemma(const DecoderConfig& config, const GemmaSettings& settings);

// The settings that both read under the same keys. A cap of null is none; an absent one is the class's default.
GemmaSettings read_gemma_settings(const ConfigReader& r, double default_score_cap, double default_logit_cap);
// Everything but the rotary positions; blocks see the window unless (layer + 1) % pattern is 0.
void read_gemma(const ConfigReader& r, DecoderConfig& c, int64_t pattern);
void write_gemma(const DecoderConfig& c, Json& json);
double count_gemma_weights(const DecoderConfig& c, bool head_norms);

// What both say in a GGUF file beside rotary positions and caps; the number of blocks tells a model whose scores are
// not scaled by the size of a head.
void gemma_config_of_gguf(const GgufMetadata& m, Json& json, int64_t layers_of_27b);
void put_gemma_gguf(const DecoderConfig& c, const GemmaSettings& settings, int64_t layers_of_27b, GgufKeys& keys);
GgufLayout gemma_gguf_layout();

}  // namespace limbeck::models
