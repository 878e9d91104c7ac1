#include "models/gemma2.h"

#include "models/config.h"
#include "models/gemma.h"
#include "models/gguf_keys.h"
#include "models/gguf_model.h"
#include "models/llama_config.h"

namespace limbeck::models {
namespace {

constexpr int64_t kLayersOfGemma2 = 46;

GemmaSettings gemma2_settings(const ConfigReader& r) {
  return read_gemma_settings(r, 50, 30);
}

std::shared_ptr<LanguageModel> make_gemma2(const DecoderConfig& config) {
  return make_gemma(config, gemma2_settings(ConfigReader(config.original, "gemma2")));
}

void read_gemma2(const ConfigReader& r, DecoderConfig& c) {
  read_gemma(r, c, 2);
  read_rope(r, c);
  gemma2_settings(r);
}

void write_gemma2(const DecoderConfig& c, Json& json) {
  write_gemma(c, json);
  write_rope(c, json);
}

double count_gemma2_weights(const DecoderConfig& c) {
  return count_gemma_weights(c, false);
}

void gemma2_config_of_gguf(const GgufMetadata& m, Json& json) {
  gemma_config_of_gguf(m, json, kLayersOfGemma2);
  put_gguf_rope(m, json);
  json["attn_logit_softcapping"] = m.decimal("attn_logit_softcapping", 50);
  json["final_logit_softcapping"] = m.decimal("final_logit_softcapping", 30);
}

void gemma2_config_to_gguf(const DecoderConfig& c, GgufKeys& keys) {
  const GemmaSettings s = gemma2_settings(ConfigReader(c.original, "gemma2"));
  keys.expect(c.tie_word_embeddings, "tie_word_embeddings", "true", "false");
  keys.expect(s.score_cap > 0, "attn_logit_softcapping", "a number", "none");
  keys.expect(s.logit_cap > 0, "final_logit_softcapping", "a number", "none");
  std::vector<bool> windowed(static_cast<std::size_t>(c.num_hidden_layers));
  for (std::size_t l = 0; l < windowed.size(); ++l) windowed[l] = l % 2 == 0;
  keys.expect(c.windowed_layers == windowed, "layer_types", "every second block full_attention", "others");
  put_gemma_gguf(c, s, kLayersOfGemma2, keys);
  const nn::RopeOptions rope = rope_options(c);
  keys.expect(rope.kind != nn::RopeKind::kLlama3, "rope_scaling", "linear or yarn", c.rope_scaling.dump());
  keys.rope(rope);
  keys.number("attn_logit_softcapping", s.score_cap);
  keys.number("final_logit_softcapping", s.logit_cap);
}

}  // namespace

Architecture gemma2() {
  GgufLayout layout = gemma_gguf_layout();
  layout.config = &gemma2_config_of_gguf;
  layout.metadata = &gemma2_config_to_gguf;
  return {.model_type = "gemma2",
          .class_name = "Gemma2ForCausalLM",
          .gguf = "gemma2",
          .about = "Gemma 2 2B to 27B",
          .make = &make_gemma2,
          .read = &read_gemma2,
          .write = &write_gemma2,
          .count_weights = &count_gemma2_weights,
          .gguf_layout = layout};
}

}  // namespace limbeck::models
