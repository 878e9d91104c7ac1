#include "models/mistral.h"

#include "base/errors.h"
#include "models/config.h"
#include "models/llama.h"
#include "models/llama_config.h"

namespace limbeck::models {
namespace {

void read_mistral(const ConfigReader& r, DecoderConfig& c) {
  read_llama(r, c);
  r.refuse("attention_bias", false);
  r.refuse("mlp_bias", false);
  // An absent key means the class's default; a null means none.
  if (r.names("sliding_window") && !r.has("sliding_window")) return;
  c.sliding_window = r.integer("sliding_window", 4096);
}

void write_mistral(const DecoderConfig& c, Json& json) {
  write_llama(c, json);
  put(json, "sliding_window", c.sliding_window ? Json(*c.sliding_window) : Json());
}

}  // namespace

Architecture mistral() {
  GgufLayout layout = llama().gguf_layout;  // without a window it is a Llama
  layout.written_as = "llama";
  return {.model_type = "mistral",
          .class_name = "MistralForCausalLM",
          .about = "Mistral 7B and its kin, with a sliding window",
          .make = &make_llama,
          .read = &read_mistral,
          .write = &write_mistral,
          .count_weights = &count_llama_weights,
          .gguf_layout = layout};
}

}  // namespace limbeck::models
