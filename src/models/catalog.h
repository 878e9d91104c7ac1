// What decoders exist: a list to read. An architecture is one file that makes such a row; nothing else names it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/config_reader.h"
#include "models/language_model.h"

namespace limbeck::models {

class GgufMetadata;
class GgufKeys;

// How llama.cpp's files of an architecture hold it (models/gguf_model.h).
struct GgufLayout {
  // Modules outside the blocks and inside one, by their names in Hugging Face's files and in llama.cpp's.
  std::vector<std::pair<std::string_view, std::string_view>> outside, inside;
  // What config.json says beyond the sizes that all architectures have.
  void (*config)(const GgufMetadata& file, Json& config_json) = nullptr;
  // general.architecture of what is written, for one that no file has a name of its own for.
  std::string_view written_as = {};
  // The other way (models/gguf_keys.h); null where files of it are read only.
  void (*metadata)(const DecoderConfig& config, GgufKeys& keys) = nullptr;
  // A tensor as llama.cpp's converter leaves it -> as Hugging Face's file holds it; null where they are the same.
  at::Tensor (*to_hub)(const at::Tensor& tensor, std::string_view hub_name, const DecoderConfig& config) = nullptr;
  // The other way.
  at::Tensor (*from_hub)(const at::Tensor& tensor, std::string_view hub_name, const DecoderConfig& config) = nullptr;
};

struct Architecture {
  std::string_view model_type;  // of config.json
  std::string_view class_name;  // "architectures" of config.json
  std::string_view gguf;        // general.architecture of a GGUF file; empty where no file has one of its own
  std::string_view about;
  std::string_view blocks = "model.layers.";  // what names of a block's parameters begin with, before its index
  std::string_view head = "lm_head";          // the module of an untied output weight
  std::shared_ptr<LanguageModel> (*make)(const DecoderConfig& config);  // uninitialised weights
  // config.json -> the config, but for vocab_size, initializer_range and token ids, which all have; throws naming the
  // key of what cannot be used.
  void (*read)(const ConfigReader& config_json, DecoderConfig& config);
  // The other way: config.json as it was read, with what the config says now.
  void (*write)(const DecoderConfig& config, Json& config_json);
  double (*count_weights)(const DecoderConfig& config);  // tied ones once
  GgufLayout gguf_layout = {};
  // Ends of the names of tensors in files that are no weights (masks, tables).
  std::vector<std::string_view> buffers = {"rotary_emb.inv_freq"};
};

const std::vector<Architecture>& architectures();

// The row of a model_type; an unknown one throws Error naming those that are known.
const Architecture& architecture_of(std::string_view model_type, std::string_view where);
const Architecture& architecture_of_gguf(std::string_view gguf_name, std::string_view where);

}  // namespace limbeck::models
