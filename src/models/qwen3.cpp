#include "models/qwen3.h"

#include "base/errors.h"
#include "models/config.h"
#include "models/llama.h"
#include "models/llama_config.h"

namespace limbeck::models {
namespace {

void read_qwen3(const ConfigReader& r, DecoderConfig& c) {
  read_llama(r, c);
  r.refuse("mlp_bias", false);
  if (!r.has("head_dim")) c.head_dim = 128;  // the class's default, whatever the width
  c.attention_bias = c.qkv_bias = r.boolean("attention_bias", false);
  c.qk_norm = true;  // not a key: the architecture has it
  read_qwen_window(r, c);
}

void write_qwen3(const DecoderConfig& c, Json& json) {
  write_llama(c, json);
  put(json, "attention_bias", c.attention_bias);
  write_qwen_window(c, json);
}

}  // namespace

Architecture qwen3() {
  return {.model_type = "qwen3",
          .class_name = "Qwen3ForCausalLM",
          .gguf = "qwen3",
          .about = "Qwen3 (dense), with norms on the heads of queries and keys",
          .make = &make_llama,
          .read = &read_qwen3,
          .write = &write_qwen3,
          .count_weights = &count_llama_weights,
          .gguf_layout = llama_gguf_layout()};
}

}  // namespace limbeck::models
