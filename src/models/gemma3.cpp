#include "models/gemma3.h"

#include "base/errors.h"
#include "models/config.h"
#include "models/gemma.h"
#include "models/gguf_keys.h"
#include "models/gguf_model.h"
#include "models/llama_config.h"

namespace limbeck::models {
namespace {

constexpr int64_t kLayersOfGemma3 = 62;

// rope_parameters holds one object for each kind of block (Transformers 5); before, rope_theta and rope_scaling were of
// the blocks that see everything and rope_local_base_freq of the others.
const Json* gemma3_rope(const ConfigReader& r, const char* kind) {
  if (!r.has("rope_parameters")) return nullptr;
  const Json& all = r.at("rope_parameters");
  if (!all.is_object())
    fail(r.where(), "rope_parameters: expected an object but received {}", ConfigReader::brief(all));
  if (!all.contains(kind) || all.at(kind).is_null()) return nullptr;
  if (!all.at(kind).is_object())
    fail(r.where(), "rope_parameters {}: expected an object but received {}", kind, ConfigReader::brief(all.at(kind)));
  return &all.at(kind);
}

nn::RopeOptions gemma3_local_rope(const ConfigReader& r, const DecoderConfig& c) {
  DecoderConfig local = c;
  local.rope_scaling = Json();
  local.rope_theta = r.number("rope_local_base_freq", 10000);
  if (const Json* given = gemma3_rope(r, "sliding_attention")) {
    local.rope_scaling = *given;
    local.rope_theta = ConfigReader(*given, r.where() + " rope_parameters").number("rope_theta", local.rope_theta);
  }
  if (!(local.rope_theta > 1))
    fail(r.where(), "rope_local_base_freq: expected a number above 1 but received {}", local.rope_theta);
  return rope_options(local);
}

GemmaSettings gemma3_settings(const ConfigReader& r, const DecoderConfig& c) {
  GemmaSettings settings = read_gemma_settings(r, 0, 0);
  settings.head_norms = true;
  settings.local_rope = gemma3_local_rope(r, c);
  return settings;
}

std::shared_ptr<LanguageModel> make_gemma3(const DecoderConfig& config) {
  return make_gemma(config, gemma3_settings(ConfigReader(config.original, "gemma3_text"), config));
}

void read_gemma3(const ConfigReader& r, DecoderConfig& c) {
  read_gemma(r, c, r.integer(r.first_of({"sliding_window_pattern", "_sliding_window_pattern"}), 6));
  c.rope_theta = r.number("rope_theta", 1'000'000);
  if (r.has("rope_scaling")) {
    if (!r.at("rope_scaling").is_object())
      fail(r.where(), "rope_scaling: expected an object but received {}", ConfigReader::brief(r.at("rope_scaling")));
    c.rope_scaling = r.at("rope_scaling");
  } else if (const Json* given = gemma3_rope(r, "full_attention")) {
    c.rope_scaling = *given;
    c.rope_theta = ConfigReader(*given, r.where() + " rope_parameters").number("rope_theta", c.rope_theta);
  }
  if (!(c.rope_theta > 1)) fail(r.where(), "rope_theta: expected a number above 1 but received {}", c.rope_theta);
  gemma3_settings(r, c);
}

double count_gemma3_weights(const DecoderConfig& c) {
  return count_gemma_weights(c, true);
}

void gemma3_config_of_gguf(const GgufMetadata& m, Json& json) {
  gemma_config_of_gguf(m, json, kLayersOfGemma3);
  put_gguf_rope(m, json);
  json["rope_theta"] = m.decimal("rope.freq_base", 1'000'000);
  json["rope_local_base_freq"] = m.decimal("rope.freq_base_swa", 10000);
  if (const Json pattern = m.get("attention.sliding_window_pattern"); pattern.is_number_integer())
    json["sliding_window_pattern"] = pattern;
  if (const double cap = m.decimal("final_logit_softcapping", 0); cap > 0) json["final_logit_softcapping"] = cap;
}

void gemma3_config_to_gguf(const DecoderConfig& c, GgufKeys& keys) {
  const GemmaSettings s = gemma3_settings(ConfigReader(c.original, "gemma3_text"), c);
  const int64_t pattern = window_pattern(c.windowed_layers);
  keys.expect(s.score_cap == 0, "attn_logit_softcapping", "none", fmt::to_string(s.score_cap));
  keys.expect(pattern > 0, "layer_types", "full_attention once in a number of blocks", "others");
  put_gemma_gguf(c, s, kLayersOfGemma3, keys);
  keys.count("attention.sliding_window_pattern", pattern);
  const nn::RopeOptions rope = rope_options(c);
  keys.expect(rope.kind == nn::RopeKind::kDefault || rope.kind == nn::RopeKind::kLinear, "rope_scaling",
              "none or linear", c.rope_scaling.dump());
  keys.expect(s.local_rope->kind == nn::RopeKind::kDefault, "rope_scaling of sliding_attention", "none", "another");
  keys.rope(rope);
  keys.number("rope.freq_base_swa", s.local_rope->theta);
  if (s.logit_cap > 0) keys.number("final_logit_softcapping", s.logit_cap);
}

}  // namespace

Architecture gemma3() {
  GgufLayout layout = gemma_gguf_layout();
  layout.config = &gemma3_config_of_gguf;
  layout.metadata = &gemma3_config_to_gguf;
  return {.model_type = "gemma3_text",
          .class_name = "Gemma3ForCausalLM",
          .gguf = "gemma3",
          .about = "Gemma 3 270M and 1B, and the text part of the larger ones",
          .make = &make_gemma3,
          .read = &read_gemma3,
          .write = &write_gemma,
          .count_weights = &count_gemma3_weights,
          .gguf_layout = layout};
}

}  // namespace limbeck::models
