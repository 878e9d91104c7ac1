#include "models/qwen2.h"

#include "base/errors.h"
#include "models/config.h"
#include "models/llama.h"
#include "models/llama_config.h"

namespace limbeck::models {
namespace {

void read_qwen2(const ConfigReader& r, DecoderConfig& c) {
  read_llama(r, c);
  r.refuse("attention_bias", false);
  r.refuse("mlp_bias", false);
  c.qkv_bias = true;  // not a key: the architecture has it
  read_qwen_window(r, c);
}

void write_qwen2(const DecoderConfig& c, Json& json) {
  write_llama(c, json);
  write_qwen_window(c, json);
}

}  // namespace

Architecture qwen2() {
  return {.model_type = "qwen2",
          .class_name = "Qwen2ForCausalLM",
          .gguf = "qwen2",
          .about = "Qwen 1.5 to 2.5, with biases on queries, keys and values",
          .make = &make_llama,
          .read = &read_qwen2,
          .write = &write_qwen2,
          .count_weights = &count_llama_weights,
          .gguf_layout = llama_gguf_layout()};
}

}  // namespace limbeck::models
