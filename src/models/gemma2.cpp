#include "models/gemma2.h"

#include "models/config.h"
#include "models/gemma.h"
#include "models/gguf_model.h"
#include "models/llama_config.h"

namespace limbeck::models {
namespace {

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
  gemma_config_of_gguf(m, json, 46);
  put_gguf_rope(m, json);
  json["attn_logit_softcapping"] = m.decimal("attn_logit_softcapping", 50);
  json["final_logit_softcapping"] = m.decimal("final_logit_softcapping", 30);
}

}  // namespace

Architecture gemma2() {
  GgufLayout layout = gemma_gguf_layout();
  layout.config = &gemma2_config_of_gguf;
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
