// A DecoderConfig as the config.json and generation_config.json that Transformers reads.
#include "models/catalog.h"
#include "models/config.h"
#include "models/config_reader.h"

namespace limbeck::models {

Json write_config(const DecoderConfig& c, Precision stored) {
  Json json = c.original.is_object() ? c.original : Json::object();
  const Architecture& row = architecture_of(c.model_type, "write_config");
  put(json, "architectures", Json::array({row.class_name}));
  put(json, "model_type", c.model_type);
  put(json, "vocab_size", c.vocab_size);
  put(json, "initializer_range", c.initializer_range);
  row.write(c, json);
  put(json, "bos_token_id", c.bos_token_id ? Json(*c.bos_token_id) : Json());
  const Json end = c.eos_token_ids.size() == 1 ? Json(c.eos_token_ids[0]) : Json(c.eos_token_ids);
  put(json, "eos_token_id", c.eos_token_ids.empty() ? Json() : end);
  // Transformers 5 writes "dtype", older ones "torch_dtype"; each reads the older name.
  const char* dtype = json.contains("dtype") ? "dtype" : "torch_dtype";
  put(json, dtype, stored == Precision::kBf16 ? "bfloat16" : "float32");
  return json;
}

Json write_generation_config(const DecoderConfig& c) {
  if (c.generation.is_object()) return c.generation;
  Json json = Json::object();
  if (c.bos_token_id) json["bos_token_id"] = *c.bos_token_id;
  if (c.eos_token_ids.size() == 1) json["eos_token_id"] = c.eos_token_ids[0];
  if (c.eos_token_ids.size() > 1) json["eos_token_id"] = c.eos_token_ids;
  return json;
}

}  // namespace limbeck::models
